import type { MediaKind } from '../protocol/messages';

// What is missing in a recording, put together for people: the server reports sound and picture apart,
// and a bad stretch of network comes as many small pieces.

export interface Gap {
  kind: MediaKind;
  start_ms: number;
  end_ms: number;
  reason?: string;
}

interface Span {
  start_ms: number;
  end_ms: number;
}

/** One stretch for the reader: from where to where, and how much of sound and picture in it. */
export interface Missing extends Span {
  audio_ms: number;
  video_ms: number;
  reason: string;
}

/** What the room's one note says; times are of what it speaks of, counted once. */
export interface GapNote {
  what: 'sound' | 'picture' | 'chosen';
  ms: number;
  several: boolean; // more than one stretch
  reason: string;
}

/** A picture that is away for less is worth no note while somebody speaks. */
export const PICTURE_NOTE_MS = 3_000;

/** Reasons that the person chose, by a button of their own. */
const chosenReasons = ['consent', 'muted'];

const lengthOf = (span: Span) => span.end_ms - span.start_ms;

/** Stretches that overlap or touch as one, by time. */
function joined(spans: readonly Span[]): Span[] {
  const result: Span[] = [];
  for (const span of [...spans].sort((a, b) => a.start_ms - b.start_ms)) {
    const last = result[result.length - 1];
    if (last && span.start_ms <= last.end_ms) last.end_ms = Math.max(last.end_ms, span.end_ms);
    else result.push({ start_ms: span.start_ms, end_ms: span.end_ms });
  }
  return result;
}

function total(spans: readonly Span[]): number {
  return joined(spans).reduce((sum, span) => sum + lengthOf(span), 0);
}

/** Gaps of sound and picture over the same stretch and for the same reason are one for the reader. */
export function missing(gaps: readonly Gap[]): Missing[] {
  const reasons = [...new Set(gaps.map((g) => g.reason ?? ''))];
  const all = reasons.flatMap((reason) => {
    const same = gaps.filter((g) => (g.reason ?? '') === reason);
    return joined(same).map((span) => {
      const inside = same.filter((g) => g.start_ms >= span.start_ms && g.end_ms <= span.end_ms);
      return {
        ...span,
        audio_ms: total(inside.filter((g) => g.kind === 'audio')),
        video_ms: total(inside.filter((g) => g.kind === 'video')),
        reason,
      };
    });
  });
  return all.sort((a, b) => a.start_ms - b.start_ms || a.end_ms - b.end_ms);
}

/** The one note for all gaps of a question so far; null: none is worth it. Lost sound comes first. */
export function gapNote(gaps: readonly Gap[]): GapNote | null {
  const lost = gaps.filter((g) => !chosenReasons.includes(g.reason ?? ''));
  const sound = lost.filter((g) => g.kind === 'audio');
  if (sound.length > 0) return note('sound', joined(sound), sound);
  const pictures = lost.filter((g) => g.kind === 'video');
  const long = joined(pictures).filter((span) => lengthOf(span) >= PICTURE_NOTE_MS);
  if (long.length > 0) return note('picture', long, pictures);
  const chosen = gaps.filter((g) => g.kind === 'audio' && chosenReasons.includes(g.reason ?? ''));
  return chosen.length > 0 ? note('chosen', joined(chosen), chosen) : null;
}

function note(what: GapNote['what'], spans: readonly Span[], of: readonly Gap[]): GapNote {
  const reasons = new Set(of.map((g) => g.reason ?? ''));
  const reason = reasons.size === 1 ? ([...reasons][0] ?? '') : '';
  return {
    what,
    ms: spans.reduce((sum, span) => sum + lengthOf(span), 0),
    several: spans.length > 1,
    reason,
  };
}

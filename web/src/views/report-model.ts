import type {
  Competency,
  Contest,
  Evidence,
  Flagged,
  Line,
  Measurement,
  Question,
  Rating,
  Report,
  Standing,
  Take,
} from '../api/types';
import type { Missing } from '../room/gaps';
import { correct, measurementNames, report } from '../text';
import { clock, plainName } from '../ui/format';

// What the report's parts show, computed from what the API returned and from nothing else.

/** Every line there is, by time. */
export function allLines(report: Report): Line[] {
  const lines = report.questions.flatMap((q) => q.takes.flatMap((t) => t.lines ?? []));
  return [...lines, ...(report.loose ?? [])].sort((a, b) => a.start_ms - b.start_ms);
}

/** Whether any transcript was returned; an empty one counts, a withheld one does not. */
export function hasTranscript(report: Report): boolean {
  return (
    report.loose !== undefined || report.questions.some((q) => q.takes.some((t) => t.lines !== undefined))
  );
}

/** The line being said at a time: the last one that began, while it lasts or until the next begins. */
export function currentLine(lines: readonly Line[], atMs: number): number {
  let low = 0;
  let high = lines.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((lines[middle]?.start_ms ?? 0) <= atMs) low = middle + 1;
    else high = middle;
  }
  const line = lines[low - 1];
  return line && atMs < line.end_ms + 1000 ? low - 1 : -1;
}

export function lineText(line: Line): string {
  return line.words.map((w) => w.text).join(' ');
}

export interface Band {
  question: number; // place in report.questions
  take: number;
  start_ms: number;
  end_ms: number;
}

export function bands(report: Report): Band[] {
  return report.questions.flatMap((q, place) =>
    q.takes.flatMap((t) =>
      t.start_ms === undefined || t.end_ms === undefined
        ? []
        : [{ question: place, take: t.take, start_ms: t.start_ms, end_ms: t.end_ms }],
    ),
  );
}

/** How long the time line is: whatever reaches furthest. */
export function timelineMs(report: Report): number {
  const ends = [
    report.length_ms,
    report.recording?.duration_ms ?? 0,
    ...bands(report).map((b) => b.end_ms),
    ...report.gaps.map((g) => g.end_ms),
  ];
  return Math.max(1, ...ends);
}

/** What a gap's line says is missing. Times under a second count as one. */
export function missingWords(gap: Missing): string {
  const seconds = (ms: number) => (ms === 0 ? 0 : Math.max(1, Math.round(ms / 1000)));
  return report.gapWhat(seconds(gap.audio_ms), seconds(gap.video_ms));
}

export function isAnswered(question: Question): boolean {
  return question.takes.some((t) => t.ended_by !== 'skip');
}

export function isPending(report: Report): boolean {
  return report.questions.some((q) => q.takes.some((t) => t.pending));
}

/** What is said of a result that has not come: nothing comes of an interview that its candidate restricted. */
export function pendingWords(restricted: boolean): string {
  return restricted ? report.restricted : report.pending;
}

/** Whether what levels rest on is not shown to this reader. */
export function quotesWithheld(of: Report): boolean {
  return of.withheld?.includes('feedback') === true;
}

export function hasModelRating(report: Report): boolean {
  return report.questions.some((q) => q.takes.some((t) => t.ratings.some((r) => r.rater.kind === 'model')));
}

/**
 * How many competencies of answers a model or a person gave a level for, and of how many. Each question counts with the
 * last take in which somebody judged it, as it does over the interview; one that was skipped does not count.
 */
export function judged(report: Report): { given: number; of: number } {
  let given = 0;
  let of = 0;
  for (const question of report.questions) {
    const takes = question.takes.filter((t) => t.ended_by !== 'skip');
    if (takes.length === 0) continue;
    for (const id of question.competencies) {
      of++;
      const by = takes.map((t) => t.ratings.filter((r) => r.competency === id && judges(r)));
      if (by.findLast((ratings) => ratings.length > 0)?.some((r) => r.level !== undefined)) given++;
    }
  }
  return { given, of };
}

function judges(r: Rating): boolean {
  return r.rater.kind !== 'self' && r.rater.pass !== 'with_flagged' && !r.before_correction;
}

export interface CompetencyResult {
  competency: Competency;
  self: Rating | null;
  others: Rating[]; // by models and people, newest last
  earlier: Rating[]; // by models, of what the words were before they were corrected; the newest words first
  withFlagged: Rating | null; // with words that do not count; it stands beside the others
  standing: Standing | null; // what the models' ratings come to
  evidence: Evidence[];
  contest: Contest | null;
}

/** What is known of one take, by competency, in the question's own order. */
export function competencyResults(report: Report, question: Question, take: Take): CompetencyResult[] {
  return question.competencies.flatMap((id) => {
    const found = report.competencies.find((c) => c.id === id);
    if (!found) return [];
    const competency = { ...found, anchors: question.anchors?.[id] ?? found.anchors };
    const ratings = take.ratings.filter((r) => r.competency === id).sort((a, b) => a.at.localeCompare(b.at));
    return [
      {
        competency,
        self: ratings.findLast((r) => r.rater.kind === 'self') ?? null,
        others: ratings.filter((r) => r.rater.kind !== 'self' && r.rater.pass !== 'with_flagged'),
        earlier: (take.earlier ?? [])
          .filter((r) => r.competency === id)
          .sort((a, b) => (b.revision ?? 0) - (a.revision ?? 0) || a.at.localeCompare(b.at)),
        withFlagged: ratings.find((r) => r.rater.pass === 'with_flagged') ?? null,
        standing: take.standings.find((s) => s.competency === id) ?? null,
        evidence: take.evidence
          .filter((e) => e.competency === id)
          .sort((a, b) => (a.start_ms ?? 0) - (b.start_ms ?? 0)),
        contest: take.contests?.find((c) => c.competency === id) ?? null,
      },
    ];
  });
}

/** How many words of some lines were corrected, and of how many. Words that were left out count on both sides. */
export function changedWords(lines: readonly Line[]): { changed: number; of: number } {
  let changed = 0;
  let of = 0;
  for (const line of lines) {
    changed += line.changed ?? 0;
    of += line.words.filter((w) => !w.corrected).length + (line.changed ?? 0);
  }
  return { changed, of };
}

/** Which words of a line speak to whoever rates, as indexes. */
export function flaggedWords(line: Line, flagged: readonly Flagged[]): Set<number> {
  const found = new Set<number>();
  for (const run of flagged) {
    if (run.epoch !== line.epoch || run.sequence !== line.sequence) continue;
    const last = Math.min(run.last, line.words.length - 1);
    for (let i = run.first; i <= last; i++) found.add(i);
  }
  return found;
}

/** All of them in a report. */
export function allFlagged(report: Report): Flagged[] {
  return report.questions.flatMap((q) => q.takes.flatMap((t) => t.flagged ?? []));
}

/** What a screen reader is told of them; others see a line through. */
export function flaggedNote(line: Line, flagged: readonly Flagged[]): string {
  const found = flaggedWords(line, flagged);
  const said = line.words.filter((_, i) => found.has(i)).map((w) => w.text);
  return said.length === 0 ? '' : report.flaggedInLine(said.join(' '));
}

/** What a screen reader is told of words that may have been misheard; others see dots under them. */
export function hearingNote(line: Line): string {
  const doubtful = line.words.filter((w) => w.doubtful).map((w) => w.text);
  return doubtful.length === 0 ? '' : report.mayBeMisheard(doubtful.join(', '));
}

/** What a screen reader is told of words that the candidate corrected; others see a line under them. */
export function correctedNote(line: Line): string {
  const corrected = line.words.filter((w) => w.corrected).map((w) => w.text);
  return corrected.length === 0 ? '' : `(${correct.word}: ${corrected.join(', ')}.)`;
}

/** What the levels of a standing are, in words: one, or from the lowest to the highest. */
export function rangeWords(standing: Standing): string {
  const { level, low, high } = standing;
  if (level === undefined) return '';
  const alike = standing.sureness === undefined || standing.sureness === 'agreed';
  return alike
    ? report.oneLevel(level, standing.raters)
    : report.range(low ?? level, high ?? level, standing.raters);
}

/** Lengths first, then pauses, then words; what the page does not know comes last. */
export function inOrder(list: readonly Measurement[]): Measurement[] {
  const names = Object.keys(measurementNames);
  const place = (m: Measurement) => (names.includes(m.name) ? names.indexOf(m.name) : names.length);
  return [...list].sort((a, b) => place(a) - place(b));
}

export function measurementName(name: string): string {
  return measurementNames[name] ?? plainName(name);
}

/** A value with its unit; times as clocks from a minute on, whole numbers whole. */
export function measurementValue(m: Measurement): string {
  if (!m.valid || m.value === undefined) return '–';
  if (m.unit === 's' && m.value >= 60) return clock(m.value * 1000);
  const number = Number.isInteger(m.value)
    ? String(m.value)
    : m.value.toFixed(m.value < 10 ? 2 : 1).replace(/\.?0+$/, '');
  return m.unit === '1' || m.unit === '' ? number : `${number} ${m.unit}`;
}

/** What the steps 1 to 5 say; 2 and 4 lie between what is written. */
export function anchorText(competency: Competency, level: number): string | null {
  return competency.anchors[String(level)] ?? null;
}

/** Which times of a line the chosen evidence covers, as indexes of words. */
export function markedWords(line: Line, evidence: readonly Evidence[]): Set<number> {
  const marked = new Set<number>();
  for (const e of evidence) {
    if (e.epoch !== line.epoch || e.sequence !== line.sequence) continue;
    if (e.first === undefined || e.last === undefined) continue;
    const last = Math.min(e.last, line.words.length - 1);
    for (let i = e.first; i <= last; i++) marked.add(i);
  }
  return marked;
}

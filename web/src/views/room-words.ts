import type { RecordingMark, RoomState } from '../room/core';
import { room as words } from '../text';
import { clock } from '../ui/format';

/** One sentence about the connection; bad: it needs attention. */
export function connectionSentence(state: RoomState): { words: string; bad: boolean } {
  const say = words.connection;
  switch (state.link) {
    case 'connecting':
      return { words: say.connecting, bad: false };
    case 'reconnecting':
      return { words: say.reconnecting(state.attempt), bad: true };
    case 'closed':
      return { words: say.closed, bad: true };
    case 'open':
      return openSentence(state);
    default:
      return { words: say.closed, bad: true };
  }
}

function openSentence(state: RoomState): { words: string; bad: boolean } {
  const say = words.connection;
  if (state.program === 'sending') {
    const missing = state.received?.audio === 'missing' || state.received?.audio === 'off';
    return missing ? { words: say.programMissing, bad: true } : { words: say.program, bad: false };
  }
  if (state.program === 'stopped') return { words: say.programStopped, bad: true };
  if (state.welcome && state.peer === 'none') return { words: say.alone, bad: true };
  if (state.peer === 'lost') return { words: say.lost, bad: true };
  if (state.peer !== 'connected') return { words: say.media, bad: false };
  if (state.received?.audio === 'missing') return { words: say.missingAudio, bad: true };
  if (state.received?.video === 'missing') return { words: say.missingVideo, bad: true };
  return { words: say.good, bad: false };
}

export function markWords(mark: RecordingMark): string {
  const name = words.mark[mark.state];
  return mark.state === 'on' || mark.state === 'delayed' ? `${name} ${clock(mark.elapsedMs)}` : name;
}

/** What the clock of the phase is for; null in a phase without one. */
export function phaseLabel(state: RoomState): string | null {
  const turn = state.turn;
  switch (turn?.phase) {
    case 'preparing':
      return turn.speaking_ms === undefined ? words.thinking : words.listen;
    case 'answering':
    case 'probing':
      if (turn.held_ms !== undefined) return words.heldLabel;
      if (turn.speaking_ms !== undefined) return words.listen;
      return turn.phase === 'probing' ? words.probing : words.answering;
    case 'reviewing':
      return turn.remaining_ms === undefined ? null : words.ending;
    default:
      return null;
  }
}

const announced = [30, 10, 5];

/** What to say to people who listen when the time left passes from before to now; empty: nothing. */
export function announcement(beforeMs: number | null, nowMs: number | null): string {
  if (beforeMs === null || nowMs === null || nowMs > beforeMs) return '';
  const passed = announced.filter((s) => beforeMs > s * 1000 && nowMs <= s * 1000);
  const last = passed[passed.length - 1];
  return last === undefined ? '' : words.announce(last);
}

/** Why the room is left for good: the server's reason, or a link that gave up. */
export function endReason(state: RoomState): string | null {
  if (state.ended !== null) return state.ended;
  return state.link === 'closed' && !state.problem?.fatal ? 'gone' : null;
}

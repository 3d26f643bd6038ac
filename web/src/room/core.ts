import type {
  CaptionFailedMessage,
  CaptionMessage,
  CaptionPartialMessage,
  Consents,
  FromServer,
  GapMessage,
  MediaState,
  ProblemMessage,
  RecordingMessage,
  TurnMessage,
  WelcomeMessage,
} from '../protocol/messages';

// The room as a pure state machine: events in, a new state out. It knows no socket, no clock and no
// page; times are milliseconds of the caller's monotonic clock.

/** The WebSocket. Closed is final: nothing reconnects any more. */
export type Link = 'connecting' | 'open' | 'reconnecting' | 'closed';

/** The peer connection that carries sound and picture. */
export type PeerState = 'none' | 'connecting' | 'connected' | 'lost';

/** Whether another program of the candidate sends sound and picture in this page's place. */
export type ProgramState = 'none' | 'sending' | 'stopped';

export type SpokenCaption = Omit<CaptionMessage, 'type'> & { failed: false };

export type Caption =
  | SpokenCaption
  | (Omit<CaptionFailedMessage, 'type' | 'message'> & { failed: true; text: string });

export type PartialCaption = Omit<CaptionPartialMessage, 'type'>;

export interface RoomState {
  link: Link;
  attempt: number; // reconnect tries since the link was last open
  peer: PeerState;
  welcome: Omit<WelcomeMessage, 'type'> | null;
  turn: (Omit<TurnMessage, 'type'> & { at: number }) | null;
  captions: readonly Caption[];
  partial: PartialCaption | null; // of what is being said
  nothing: Named | null; // the utterance of which nothing came last, though it was shown
  recording: (Omit<RecordingMessage, 'type'> & { at: number }) | null;
  consents: Consents | null;
  received: { audio: MediaState; video: MediaState } | null;
  gaps: readonly Omit<GapMessage, 'type'>[]; // since the question changed or they were dismissed
  problem: Omit<ProblemMessage, 'type'> | null;
  program: ProgramState;
  ended: string | null; // the server's reason, once this page has no room any more
}

export type RoomEvent =
  | { type: 'message'; message: FromServer; now: number }
  | { type: 'link'; link: Link; attempt: number }
  | { type: 'peer'; peer: PeerState }
  | { type: 'own' } // this page sends again, its person said so
  | { type: 'dismiss'; what: 'gap' | 'problem' };

/** Captions kept in the room; the report has them all. */
export const MAX_CAPTIONS = 50;

export const emptyRoom: RoomState = {
  link: 'connecting',
  attempt: 0,
  peer: 'none',
  welcome: null,
  turn: null,
  captions: [],
  partial: null,
  nothing: null,
  recording: null,
  consents: null,
  received: null,
  gaps: [],
  problem: null,
  program: 'none',
  ended: null,
};

/** Fatal to this connection only: the page comes back by itself, as PROTOCOL.md says. */
const passing = ['server_stopping', 'cannot_open'];

/** Said already by the connection sentence, or overtaken by the next turn. */
const quietProblems = ['connection_lost', 'wrong_phase', 'program_sending'];

/** Reasons after which the interview itself is over, and not just this page's place in it. */
const overReasons = ['finished', 'time_limit', 'abandoned'];

export function isOver(state: RoomState): boolean {
  return state.ended !== null && overReasons.includes(state.ended);
}

export function reduce(state: RoomState, event: RoomEvent): RoomState {
  switch (event.type) {
    case 'message':
      return receive(state, event.message, event.now);
    case 'link':
      // Ended is final, whatever the socket does afterwards.
      if (state.ended !== null && event.link !== 'closed') return state;
      // What was being said is not known any more once the link was down.
      return {
        ...state,
        link: event.link,
        attempt: event.attempt,
        partial: event.link === 'open' ? state.partial : null,
      };
    case 'peer':
      return { ...state, peer: event.peer };
    case 'own':
      return { ...state, program: 'none' };
    case 'dismiss':
      return event.what === 'gap' ? { ...state, gaps: [] } : { ...state, problem: null };
    default:
      return unreachable(event);
  }
}

function receive(state: RoomState, message: FromServer, now: number): RoomState {
  switch (message.type) {
    case 'welcome': {
      const { type: _, ...welcome } = message;
      const program = welcome.program ? 'sending' : stoppedOrNone(state);
      return { ...state, welcome, consents: message.consents, problem: null, program };
    }
    case 'program':
      // That it stopped is no news to a page that sends itself: its person took the place of the program.
      return { ...state, program: message.sending ? 'sending' : stoppedOrNone(state) };
    case 'turn': {
      const { type: _, ...turn } = message;
      const changed =
        turn.phase !== state.turn?.phase ||
        turn.index !== state.turn?.index ||
        turn.take !== state.turn?.take;
      return { ...state, turn: { ...turn, at: now }, gaps: changed ? [] : state.gaps };
    }
    case 'caption': {
      const { type: _, ...caption } = message;
      return heard(state, { ...caption, failed: false });
    }
    case 'caption_partial': {
      const { type: _, ...partial } = message;
      const late = state.captions.some((c) => !isBefore(c, partial));
      if (late || (state.nothing && !isBefore(state.nothing, partial))) return state;
      if (partial.stable || partial.unstable) return { ...state, partial };
      return { ...after(state, partial), nothing: partial };
    }
    case 'caption_failed': {
      const { type: _, message: text, ...caption } = message;
      return heard(state, { ...caption, text, failed: true });
    }
    case 'media':
      return { ...state, received: { audio: message.audio, video: message.video } };
    case 'recording': {
      const { type: _, ...recording } = message;
      return { ...state, recording: { ...recording, at: now } };
    }
    case 'consents':
      return {
        ...state,
        consents: message.consents,
        partial: message.consents.transcription ? state.partial : null,
      };
    case 'gap': {
      const { type: _, ...gap } = message;
      return { ...state, gaps: [...state.gaps, gap] };
    }
    case 'problem': {
      const { type: _, ...problem } = message;
      if (quietProblems.includes(problem.code)) return state;
      return { ...state, problem: { ...problem, fatal: problem.fatal && !passing.includes(problem.code) } };
    }
    case 'ended':
      // A stopping server is not the end of the interview: the page comes back to another process.
      return message.reason === 'server_stopping' ? state : { ...state, ended: message.reason };
    case 'answer':
    case 'ice_candidate':
      return state; // the peer connection's own business
    default:
      return unreachable(message);
  }
}

/** A program that stopped while the link was down stopped all the same: nothing turns the microphone on. */
function stoppedOrNone(state: RoomState): ProgramState {
  return state.program === 'none' ? 'none' : 'stopped';
}

/** A whole caption takes the place of what was shown of it, and of anything before. */
function heard(state: RoomState, caption: Caption): RoomState {
  return { ...after(state, caption), captions: withCaption(state.captions, caption) };
}

/** Only what is said after an utterance is still shown as running. */
function after(state: RoomState, one: Named): RoomState {
  const { partial } = state;
  return { ...state, partial: partial && isBefore(one, partial) ? partial : null };
}

interface Named {
  epoch: number;
  sequence: number;
}

function isBefore(one: Named, other: Named): boolean {
  return one.epoch < other.epoch || (one.epoch === other.epoch && one.sequence < other.sequence);
}

/** Captions by epoch and sequence; a repeat after a reconnect replaces, never doubles. */
function withCaption(captions: readonly Caption[], caption: Caption): readonly Caption[] {
  const rest = captions.filter((c) => c.epoch !== caption.epoch || c.sequence !== caption.sequence);
  const sorted = [...rest, caption].sort((a, b) => a.epoch - b.epoch || a.sequence - b.sequence);
  return sorted.slice(-MAX_CAPTIONS);
}

/** What is left of the current phase; null where nothing limits it. */
export function remainingMs(state: RoomState, now: number): number | null {
  const turn = state.turn;
  if (turn?.remaining_ms === undefined) return null;
  // While the clocks stand, so does what is left.
  const stood = turn.held_ms ?? turn.speaking_ms ?? 0;
  return Math.max(0, turn.remaining_ms - stood - Math.max(0, since(turn.at, now) - stood));
}

/** What the recording mark may say. While the link is down the page does not know, and says so. */
export type RecordingMark =
  | { state: 'on' | 'delayed'; elapsedMs: number; message?: string }
  | { state: 'failed'; elapsedMs: number; message?: string }
  | { state: 'off' | 'unknown' };

export function recordingMark(state: RoomState, now: number): RecordingMark {
  if (state.ended !== null) return { state: 'off' };
  const recording = state.recording;
  if (state.consents && !state.consents.recording) return { state: 'off' };
  if (state.link !== 'open' || !recording) return { state: 'unknown' };
  const message = recording.message === undefined ? {} : { message: recording.message };
  switch (recording.state) {
    case 'on':
    case 'delayed':
      return {
        state: recording.state,
        elapsedMs: recording.elapsed_ms + since(recording.at, now),
        ...message,
      };
    case 'failed':
      return { state: 'failed', elapsedMs: recording.elapsed_ms, ...message };
    case 'off':
      return { state: 'off' };
    default:
      return unreachable(recording.state);
  }
}

/** What is left until silence ends the answer; null while it does not. */
export function closingMs(state: RoomState, now: number): number | null {
  const turn = state.turn;
  if (turn?.closing_ms === undefined) return null;
  return Math.max(0, turn.closing_ms - since(turn.at, now));
}

/** For how long the clocks still stand; null while they run. */
export function heldMs(state: RoomState, now: number): number | null {
  const turn = state.turn;
  if (turn?.held_ms === undefined) return null;
  return Math.max(0, turn.held_ms - since(turn.at, now));
}

export type Command = 'begin' | 'start_answer' | 'done' | 'moment' | 'again' | 'next' | 'skip' | 'finish';

/** Whether the server hears something: an answer that nobody receives helps nobody, so the first question waits. */
export function isHeard(state: RoomState): boolean {
  return state.program === 'sending' ? state.received?.audio === 'receiving' : state.peer === 'connected';
}

/** Whether a command means anything now; the page offers only those that do. */
export function can(state: RoomState, command: Command): boolean {
  if (state.link !== 'open' || state.ended !== null || !state.turn) return false;
  const phase = state.turn.phase;
  switch (command) {
    case 'begin':
      return phase === 'waiting' && isHeard(state);
    case 'start_answer':
      return phase === 'preparing';
    case 'done':
      return phase === 'answering' || phase === 'probing';
    case 'moment':
      return (
        (phase === 'answering' || phase === 'probing') &&
        (state.turn.moments ?? 0) > 0 &&
        state.turn.held_ms === undefined
      );
    case 'again':
      return phase === 'reviewing' && (state.turn.takes_left ?? 0) > 0;
    case 'next':
      return phase === 'reviewing';
    case 'skip':
      return phase === 'preparing' || phase === 'answering' || phase === 'thinking' || phase === 'probing';
    case 'finish':
      return phase !== 'finished';
    default:
      return unreachable(command);
  }
}

/** A clock that was last looked at before the message came is not behind it. */
function since(at: number, now: number): number {
  return Math.max(0, now - at);
}

function unreachable(value: never): never {
  throw new Error(`unexpected ${JSON.stringify(value)}`);
}

// The room protocol as the page sees it. The words on the wire and their meaning are written down in
// signaling/PROTOCOL.md; field names stay as they are on the wire.

export const PROTOCOL_VERSION = 2;

/** The W3C dictionary; an empty candidate says that there are no more. */
export interface IceCandidateMessage {
  candidate: string;
  sdp_mid?: string;
  sdp_mline_index?: number;
  username_fragment?: string;
}

export type MediaKind = 'audio' | 'video';

/** Everything the page may send. The server refuses unknown fields. */
export type FromPage =
  | { type: 'hello'; version: number; page?: string; takeover?: boolean }
  | { type: 'offer'; sdp: string; takeover?: boolean }
  | { type: 'ice_candidate'; ice_candidate: IceCandidateMessage }
  | { type: 'begin' }
  | { type: 'start_answer' }
  | { type: 'done' }
  | { type: 'moment' }
  | { type: 'again' }
  | { type: 'next' }
  | { type: 'skip' }
  | { type: 'finish' }
  | { type: 'muted'; kind: MediaKind; muted: boolean }
  | { type: 'voice'; speaking: boolean; interrupted?: boolean };

export interface Consents {
  recording: boolean;
  transcription: boolean;
  assessment: boolean;
}

export type ConsentName = keyof Consents;

export interface QuestionAsked {
  text: string;
  kind: string;
}

/** A follow-up question of the present one; index: its place among them. */
export interface ProbeAsked {
  index: number;
  text: string;
  by?: 'model'; // a model asks it; else it is the bank's
}

export type Phase = 'waiting' | 'preparing' | 'answering' | 'thinking' | 'probing' | 'reviewing' | 'finished';
/** How one kind of media arrives at the server. */
export type MediaState = 'off' | 'receiving' | 'muted' | 'missing';
export type RecordingState = 'on' | 'delayed' | 'failed' | 'off';

export interface TurnMessage {
  type: 'turn';
  phase: Phase;
  total: number;
  index?: number;
  take?: number;
  question?: QuestionAsked;
  probe?: ProbeAsked;
  remaining_ms?: number;
  limit_ms?: number;
  closing_ms?: number; // until silence ends the answer
  speaking_ms?: number; // until the clocks go on that stand for the voice; remaining_ms has it in it
  held_ms?: number; // until the clocks go on; remaining_ms has it in it
  moments?: number; // how often they may still be held
  takes_left?: number; // how often the question may be answered again
}

export interface WelcomeMessage {
  type: 'welcome';
  version: number;
  session: string;
  role_title: string;
  total: number;
  consents: Consents;
  voice?: boolean; // the server says questions aloud
  program?: boolean; // sound and picture come from a program (WHIP)
}

export interface CaptionMessage {
  type: 'caption';
  epoch: number;
  sequence: number;
  start_ms: number;
  end_ms: number;
  text: string; // words with single spaces between them
  doubtful?: number[]; // indexes of words that may have been misheard
  repaired?: RepairedWord[];
}

/** A word in whose place the speech engine wrote another. */
export interface RepairedWord {
  word: number;
  heard: string;
}

/** What was said so far of an utterance that still runs; without text, nothing came of what was shown. */
export interface CaptionPartialMessage {
  type: 'caption_partial';
  epoch: number;
  sequence: number;
  start_ms: number;
  end_ms: number;
  stable: string; // its words stay while the utterance runs
  unstable: string; // a guess at the rest
}

export interface CaptionFailedMessage {
  type: 'caption_failed';
  epoch: number;
  sequence: number;
  start_ms: number;
  end_ms: number;
  message: string;
}

export interface RecordingMessage {
  type: 'recording';
  state: RecordingState;
  elapsed_ms: number;
  message?: string;
}

export interface GapMessage {
  type: 'gap';
  kind: MediaKind;
  start_ms: number;
  end_ms: number;
  reason: string;
}

export interface ProblemMessage {
  type: 'problem';
  code: string;
  message: string;
  next?: string;
  fatal: boolean;
}

/** Everything the server may send. */
export type FromServer =
  | WelcomeMessage
  | { type: 'program'; sending: boolean }
  | { type: 'answer'; sdp: string }
  | { type: 'ice_candidate'; ice_candidate: IceCandidateMessage }
  | TurnMessage
  | CaptionMessage
  | CaptionPartialMessage
  | CaptionFailedMessage
  | { type: 'media'; audio: MediaState; video: MediaState }
  | RecordingMessage
  | { type: 'consents'; consents: Consents }
  | GapMessage
  | ProblemMessage
  | { type: 'ended'; reason: string };

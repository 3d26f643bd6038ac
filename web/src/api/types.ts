// What the API carries, by hand; the names are those of the wire.

export type AccountKind = 'candidate' | 'employer' | 'ops';

export interface Account {
  id: string;
  kind: AccountKind;
  email: string;
  display_name: string;
  org_id?: string;
  org_name?: string;
}

export interface AgeAnswer {
  allowed: boolean;
  minimum_age: number;
}

export interface QuestionOutline {
  kind: string;
  prepare_s: number;
  answer_s: number;
}

export interface Role {
  id: string;
  title: string;
  summary: string;
  questions: QuestionOutline[];
  minutes: number;
}

export interface Bank {
  version: string;
  roles: Role[];
}

export interface Judge {
  transcriber: { engine: string; place: string };
  assessor: { model: string; place: string };
}

export interface Consents {
  recording: boolean;
  transcription: boolean;
  assessment: boolean;
}

export type ConsentName = keyof Consents;
export type Mode = 'practice' | 'exam';

export type SessionState = 'scheduled' | 'consented' | 'live' | 'ended' | 'assessed' | 'abandoned' | 'erased';

export interface Session {
  id: string;
  state: SessionState;
  role: string;
  role_title: string;
  mode: Mode;
  consents: Consents;
  notice_sha256?: string;
  created_at: string;
  ended_at?: string;
  shared_with?: number;
}

export interface Notice {
  version: string;
  sha256: string;
  text: string;
}

export interface Word {
  text: string;
  start_ms: number;
  end_ms: number;
}

export interface Line {
  epoch: number;
  sequence: number;
  start_ms: number;
  end_ms: number;
  engine: string;
  interpolated: boolean;
  words: Word[];
}

export interface Measurement {
  name: string;
  value?: number;
  unit: string;
  counted: string;
  valid: boolean;
  invalid?: string;
}

export interface Rating {
  competency: string;
  rater: { kind: 'self' | 'model' | 'human'; model?: string; prompt_sha256?: string };
  outcome: 'level' | 'not_observed' | 'not_assessable';
  level?: number;
  why_not_higher?: string;
  why_not_lower?: string;
  reason?: string;
  at: string;
}

export interface Evidence {
  competency: string;
  polarity: 'supports' | 'contradicts';
  part: 'situation' | 'task' | 'action' | 'result' | 'other';
  start_ms?: number;
  end_ms?: number;
  quote?: string;
  epoch?: number;
  sequence?: number;
  first?: number;
  last?: number;
}

export interface Take {
  take: number;
  start_ms?: number;
  end_ms?: number;
  ended_by?: 'done' | 'limit' | 'skip' | 'finish' | 'drop';
  pending: boolean;
  lines?: Line[];
  measurements?: Measurement[];
  ratings: Rating[];
  evidence: Evidence[];
}

export interface Question {
  index: number;
  text: string;
  kind: string;
  competencies: string[];
  takes: Take[];
}

export interface Competency {
  id: string;
  name: string;
  definition: string;
  anchors: Record<string, string>;
}

export interface Gap {
  kind: 'audio' | 'video';
  start_ms: number;
  end_ms: number;
  reason?: string;
}

export interface RecordingLink {
  available: boolean;
  through: number;
  audio: boolean;
  video: boolean;
  duration_ms: number;
  url: string;
}

export type Purpose = 'practice_review' | 'hiring';

export interface Report {
  session: string;
  role_title: string;
  mode: Mode;
  length_ms: number;
  ended_at?: string;
  label?: string;
  judged_by: Judge;
  recording?: RecordingLink;
  gaps: Gap[];
  competencies: Competency[];
  questions: Question[];
  loose?: Line[];
  withheld?: string[];
  authorization?: { purpose: Purpose; valid_until: string; scopes: string[] };
  candidate?: string;
}

export interface Recording {
  through: number;
  duration_ms: number;
  size: number;
  audio: boolean;
  video: boolean;
}

export interface Organization {
  id: string;
  name: string;
}

export interface Authorization {
  id: string;
  org_id: string;
  org_name: string;
  purpose: Purpose;
  scopes: string[];
  valid_from: string;
  valid_until: string;
  state: 'granted' | 'withdrawn' | 'superseded' | 'expired';
  granted_at: string;
  ended_at?: string;
}

export interface Access {
  at: string;
  org_name: string;
  artefact: string;
}

export interface SharedSession {
  id: string;
  role_title: string;
  ended_at?: string;
  length_ms: number;
  purpose: Purpose;
  scopes: string[];
  valid_until: string;
  candidate?: string;
}

export interface Overview {
  sessions: Record<string, number>;
  jobs: Record<string, number>;
  spool_files: number;
  spool_bytes: number;
  segments: number;
  segment_bytes: number;
  build: string;
}

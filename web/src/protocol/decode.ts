import { Fields, WireError } from './fields';
import type { Consents, FromServer, IceCandidateMessage, TurnMessage } from './messages';

export type Decoded = { ok: true; message: FromServer } | { ok: false; reason: string };

/** Longest message the page reads; the server's own messages are far smaller. */
export const MAX_MESSAGE_CHARS = 256 * 1024;

/**
 * Reads one text message from the server. A message that is not understood is a value, never an
 * exception: the page goes on without it. Unknown fields are ignored, so that an older page can talk
 * to a newer server.
 */
export function decodeMessage(text: string): Decoded {
  if (text.length > MAX_MESSAGE_CHARS) return { ok: false, reason: 'message is too long' };
  try {
    return { ok: true, message: decodeFields(Fields.of(JSON.parse(text), 'message')) };
  } catch (cause) {
    if (cause instanceof WireError) return { ok: false, reason: cause.message };
    if (cause instanceof SyntaxError) return { ok: false, reason: 'message is not JSON' };
    throw cause;
  }
}

function decodeFields(f: Fields): FromServer {
  const type = f.text('type');
  if (!isKnown(type)) throw new WireError(`unknown message type ${JSON.stringify(type)}`);
  return decoders[type](f);
}

function isKnown(type: string): type is FromServer['type'] {
  return Object.hasOwn(decoders, type);
}

const mediaStates = ['off', 'receiving', 'muted', 'missing'] as const;

const decoders: Record<FromServer['type'], (f: Fields) => FromServer> = {
  welcome: (f) => ({
    type: 'welcome',
    version: f.number('version'),
    session: f.text('session'),
    role_title: f.text('role_title'),
    total: f.number('total'),
    consents: consents(f.object('consents')),
    ...f.optionalFlag('program'),
    ...f.optionalFlag('voice'),
  }),
  program: (f) => ({ type: 'program', sending: f.flag('sending') }),
  answer: (f) => ({ type: 'answer', sdp: f.text('sdp') }),
  ice_candidate: (f) => ({ type: 'ice_candidate', ice_candidate: iceCandidate(f.object('ice_candidate')) }),
  turn,
  caption: (f) => ({
    type: 'caption',
    ...span(f),
    text: f.text('text'),
    ...(f.has('doubtful') ? { doubtful: f.numbers('doubtful') } : {}),
    ...(f.has('repaired')
      ? { repaired: f.objects('repaired').map((r) => ({ word: r.number('word'), heard: r.text('heard') })) }
      : {}),
  }),
  caption_partial: (f) => ({
    type: 'caption_partial',
    ...span(f),
    stable: f.text('stable'),
    unstable: f.text('unstable'),
  }),
  caption_failed: (f) => ({ type: 'caption_failed', ...span(f), message: f.text('message') }),
  media: (f) => ({
    type: 'media',
    audio: f.oneOf('audio', mediaStates),
    video: f.oneOf('video', mediaStates),
  }),
  recording: (f) => ({
    type: 'recording',
    state: f.oneOf('state', ['on', 'delayed', 'failed', 'off']),
    elapsed_ms: f.number('elapsed_ms'),
    ...f.optionalText('message'),
  }),
  consents: (f) => ({ type: 'consents', consents: consents(f.object('consents')) }),
  gap: (f) => ({
    type: 'gap',
    kind: f.oneOf('kind', ['audio', 'video']),
    start_ms: f.number('start_ms'),
    end_ms: f.number('end_ms'),
    reason: f.text('reason'),
  }),
  problem: (f) => ({
    type: 'problem',
    code: f.text('code'),
    message: f.text('message'),
    ...f.optionalText('next'),
    fatal: f.has('fatal') ? f.flag('fatal') : false,
  }),
  ended: (f) => ({ type: 'ended', reason: f.text('reason') }),
};

function turn(f: Fields): TurnMessage {
  const message: TurnMessage = {
    type: 'turn',
    phase: f.oneOf('phase', [
      'waiting',
      'preparing',
      'answering',
      'thinking',
      'probing',
      'reviewing',
      'finished',
    ]),
    total: f.number('total'),
    ...f.optionalNumber('take'),
    ...f.optionalNumber('remaining_ms'),
    ...f.optionalNumber('limit_ms'),
    ...f.optionalNumber('closing_ms'),
    ...f.optionalNumber('held_ms'),
    ...f.optionalNumber('speaking_ms'),
    ...f.optionalNumber('moments'),
    ...f.optionalNumber('takes_left'),
  };
  // Index 0 may be left out on the wire by an encoder that omits zero values.
  if (message.phase !== 'waiting' && message.phase !== 'finished') {
    const q = f.object('question');
    message.question = { text: q.text('text'), kind: q.text('kind') };
    message.index = f.has('index') ? f.number('index') : 0;
    if (f.has('probe')) {
      const probe = f.object('probe');
      message.probe = {
        index: probe.number('index'),
        text: probe.text('text'),
        ...(probe.has('by') ? { by: probe.oneOf('by', ['model']) } : {}),
      };
    }
  }
  return message;
}

function consents(f: Fields): Consents {
  return {
    recording: f.flag('recording'),
    transcription: f.flag('transcription'),
    assessment: f.flag('assessment'),
  };
}

function iceCandidate(f: Fields): IceCandidateMessage {
  return {
    candidate: f.text('candidate'),
    ...f.optionalText('sdp_mid'),
    ...f.optionalNumber('sdp_mline_index'),
    ...f.optionalText('username_fragment'),
  };
}

function span(f: Fields) {
  return {
    epoch: f.number('epoch'),
    sequence: f.number('sequence'),
    start_ms: f.number('start_ms'),
    end_ms: f.number('end_ms'),
  };
}

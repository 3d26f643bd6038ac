import { describe, expect, it } from 'vitest';
import examples from '../../../signaling/testdata/messages.json';
import { decodeMessage } from '../protocol/decode';
import type { FromServer } from '../protocol/messages';
import type { Command, RoomState } from './core';
import {
  can,
  closingMs,
  emptyRoom,
  heldMs,
  isOver,
  MAX_CAPTIONS,
  recordingMark,
  reduce,
  remainingMs,
} from './core';

const all = { recording: true, transcription: true, assessment: true };
const question = { text: 'Why?', kind: 'technical' };

function given(messages: FromServer[], from: RoomState = open(), now = 1000): RoomState {
  return messages.reduce((state, message) => reduce(state, { type: 'message', message, now }), from);
}

function open(): RoomState {
  return reduce(emptyRoom, { type: 'link', link: 'open', attempt: 0 });
}

function caption(sequence: number, epoch = 1, text = `line ${sequence}`): FromServer {
  return { type: 'caption', epoch, sequence, start_ms: sequence * 1000, end_ms: sequence * 1000 + 500, text };
}

function failed(sequence: number): FromServer {
  return { type: 'caption_failed', epoch: 1, sequence, start_ms: 0, end_ms: 1, message: 'No words.' };
}

function partial(sequence: number, stable: string, epoch = 1): FromServer {
  return { type: 'caption_partial', epoch, sequence, start_ms: 0, end_ms: 1, stable, unstable: '' };
}

describe('reduce', () => {
  it('takes every message of the protocol', () => {
    for (const example of examples.from_server) {
      const decoded = decodeMessage(JSON.stringify(example));
      expect(decoded.ok).toBe(true);
      if (decoded.ok) given([decoded.message]);
    }
  });

  it('keeps captions in order and replaces a repeated one', () => {
    const state = given([caption(2), caption(0), caption(1), caption(0, 2), caption(1, 1, 'again')]);
    expect(state.captions.map((c) => `${c.epoch}.${c.sequence} ${c.text}`)).toEqual([
      '1.0 line 0',
      '1.1 again',
      '1.2 line 2',
      '2.0 line 0',
    ]);
  });

  it('keeps only the newest captions', () => {
    const state = given(Array.from({ length: MAX_CAPTIONS + 5 }, (_, i) => caption(i)));
    expect(state.captions).toHaveLength(MAX_CAPTIONS);
    expect(state.captions[0]?.sequence).toBe(5);
  });

  it('shows what is being said until its caption comes', () => {
    expect(given([caption(0), partial(1, 'so far')]).partial?.stable).toBe('so far');
    expect(given([partial(1, 'so'), partial(1, 'so far')]).partial?.stable).toBe('so far');
    expect(given([partial(1, 'so far'), caption(0)]).partial?.stable).toBe('so far');
    expect(given([partial(1, 'so far'), caption(1)]).partial).toBeNull();
    expect(given([caption(1), partial(1, 'late')]).partial).toBeNull();
    expect(given([caption(5), partial(1, 'another process', 2)]).partial?.sequence).toBe(1);
    expect(given([partial(1, 'so far'), partial(1, '')]).partial).toBeNull();
    expect(given([partial(1, 'so far'), partial(1, ''), partial(1, 'late')]).partial).toBeNull();
    expect(given([partial(1, 'so far'), partial(1, ''), partial(2, 'next')]).partial?.sequence).toBe(2);
    expect(given([partial(2, 'next'), partial(1, '')]).partial?.sequence).toBe(2);
    expect(given([partial(1, 'so far'), failed(1)]).partial).toBeNull();
    const without = { recording: true, transcription: false, assessment: false };
    expect(given([partial(1, 'so far'), { type: 'consents', consents: without }]).partial).toBeNull();
    const shown = given([partial(1, 'so far')]);
    expect(reduce(shown, { type: 'link', link: 'reconnecting', attempt: 1 }).partial).toBeNull();
  });

  it('shows a failed caption as what the server says about it', () => {
    expect(given([failed(3)]).captions[0]).toMatchObject({ failed: true, text: 'No words.' });
  });

  it('gathers gaps, and forgets them when the question changes, and only then', () => {
    const gap: FromServer = { type: 'gap', kind: 'audio', start_ms: 0, end_ms: 6000, reason: 'network' };
    const answering: FromServer = { type: 'turn', phase: 'answering', total: 2, index: 0, question };
    const during = given([answering, gap, answering]);
    expect(during.gaps).toMatchObject([{ reason: 'network' }]);
    expect(given([gap], during).gaps).toHaveLength(2);
    expect(given([{ ...answering, phase: 'preparing', index: 1 }], during).gaps).toEqual([]);
  });

  it('is over for good after ended, whatever the socket does', () => {
    const ended = given([{ type: 'ended', reason: 'taken_over' }]);
    expect(reduce(ended, { type: 'link', link: 'reconnecting', attempt: 1 }).link).toBe('open');
    expect(ended.ended).toBe('taken_over');
    expect(isOver(ended)).toBe(false);
    expect(isOver(given([{ type: 'ended', reason: 'time_limit' }]))).toBe(true);
  });

  it('does not take a stopping server for the end', () => {
    expect(given([{ type: 'ended', reason: 'server_stopping' }]).ended).toBeNull();
    const problem: FromServer = {
      type: 'problem',
      code: 'server_stopping',
      message: 'm',
      next: 'n',
      fatal: true,
    };
    expect(given([problem]).problem).toMatchObject({ code: 'server_stopping', fatal: false });
  });

  it('shows no problem that the turn or the connection sentence already tells', () => {
    for (const code of ['wrong_phase', 'connection_lost']) {
      expect(given([{ type: 'problem', code, message: 'm', fatal: false }]).problem).toBeNull();
    }
  });

  it('forgets an old problem after a new welcome, and dismisses on request', () => {
    const troubled = given([{ type: 'problem', code: 'busy', message: 'm', fatal: false }]);
    const welcome: FromServer = {
      type: 'welcome',
      version: 2,
      session: 's',
      role_title: 'r',
      total: 1,
      consents: all,
    };
    expect(given([welcome], troubled).problem).toBeNull();
    expect(reduce(troubled, { type: 'dismiss', what: 'problem' }).problem).toBeNull();
  });
});

describe('remainingMs', () => {
  const turn: FromServer = {
    type: 'turn',
    phase: 'answering',
    total: 1,
    index: 0,
    question,
    remaining_ms: 9000,
    limit_ms: 120000,
  };
  it.each([
    [500, 9000], // looked at before the message came
    [1000, 9000],
    [4000, 6000],
    [99000, 0],
  ])('at %d ms is %d', (now, want) => {
    expect(remainingMs(given([turn]), now)).toBe(want);
  });

  it('is null where nothing limits the phase', () => {
    expect(remainingMs(given([{ type: 'turn', phase: 'waiting', total: 1 }]), 5000)).toBeNull();
    expect(remainingMs(emptyRoom, 0)).toBeNull();
  });
});

describe('the clocks of an answer', () => {
  const turn = {
    type: 'turn',
    phase: 'answering',
    total: 2,
    index: 0,
    question,
    remaining_ms: 90_000,
    limit_ms: 120_000,
    moments: 1,
  } as const;

  it('count down to the end by silence, and not without a countdown', () => {
    const closing = given([{ ...turn, closing_ms: 4000 }]);
    expect(closingMs(closing, 2000)).toBe(3000);
    expect(closingMs(closing, 99_000)).toBe(0);
    expect(closingMs(given([{ ...turn }], closing), 2000)).toBeNull();
  });

  it('stand for as long as a moment lasts', () => {
    const held = given([{ ...turn, held_ms: 30_000 }]); // of the 90 s that are left
    expect([remainingMs(held, 1000), remainingMs(held, 21_000)]).toEqual([60_000, 60_000]);
    expect(remainingMs(held, 36_000)).toBe(55_000);
    expect([heldMs(held, 21_000), heldMs(given([turn]), 1000)]).toEqual([10_000, null]);
    expect([can(held, 'moment'), can(given([turn]), 'moment')]).toEqual([false, true]);
    expect(can(given([{ ...turn, moments: 0 }]), 'moment')).toBe(false);
  });

  it('let a follow-up be answered, and its answer be done or skipped', () => {
    const probing = given([{ ...turn, phase: 'probing', probe: { index: 0, text: 'And then?' } }]);
    const commands = ['done', 'skip', 'moment', 'next', 'again', 'start_answer'] as const;
    expect(commands.filter((c) => can(probing, c))).toEqual(['done', 'skip', 'moment']);
  });

  it('let a follow-up that is thought of be skipped, and nothing else', () => {
    const { remaining_ms: _, limit_ms: __, ...rest } = turn;
    const thinking = given([{ ...rest, phase: 'thinking' }]);
    const commands = ['done', 'skip', 'moment', 'next', 'again', 'start_answer'] as const;
    expect(commands.filter((c) => can(thinking, c))).toEqual(['skip']);
    expect(remainingMs(thinking, 1000)).toBeNull();
  });

  it('let a review end, and the question be answered again while takes are left', () => {
    const { remaining_ms: _, limit_ms: __, moments: ___, ...rest } = turn;
    const review = given([{ ...rest, phase: 'reviewing', take: 1, takes_left: 1 }]);
    expect([can(review, 'next'), can(review, 'again'), can(review, 'done')]).toEqual([true, true, false]);
    expect(can(given([{ ...rest, phase: 'reviewing', take: 2 }]), 'again')).toBe(false);
  });
});

describe('recordingMark', () => {
  const on: FromServer = { type: 'recording', state: 'on', elapsed_ms: 252000 };
  const consents = (recording: boolean): FromServer => ({
    type: 'consents',
    consents: { ...all, recording },
  });

  it('counts on from what the server said', () => {
    expect(recordingMark(given([on]), 4000)).toEqual({ state: 'on', elapsedMs: 255000 });
  });

  it('does not claim to record while the link is down', () => {
    const lost = reduce(given([on]), { type: 'link', link: 'reconnecting', attempt: 1 });
    expect(recordingMark(lost, 4000)).toEqual({ state: 'unknown' });
  });

  it('is off without consent, before the server confirms it, and after the end', () => {
    expect(recordingMark(given([on, consents(false)]), 4000)).toEqual({ state: 'off' });
    expect(recordingMark(given([on, { type: 'ended', reason: 'finished' }]), 4000)).toEqual({ state: 'off' });
    expect(
      recordingMark(given([consents(true), { type: 'recording', state: 'off', elapsed_ms: 0 }]), 0),
    ).toEqual({ state: 'off' });
  });

  it('stops counting when the recording fails, and says why', () => {
    const failed: FromServer = {
      type: 'recording',
      state: 'failed',
      elapsed_ms: 5000,
      message: 'The disk is full.',
    };
    expect(recordingMark(given([failed]), 9000)).toEqual({
      state: 'failed',
      elapsedMs: 5000,
      message: 'The disk is full.',
    });
  });

  it('knows nothing before the first message', () => {
    expect(recordingMark(open(), 0)).toEqual({ state: 'unknown' });
  });
});

describe('can', () => {
  const table: Record<string, Command[]> = {
    waiting: ['begin', 'finish'],
    preparing: ['start_answer', 'skip', 'finish'],
    answering: ['done', 'skip', 'finish'],
    finished: [],
  };
  const commands: Command[] = ['begin', 'start_answer', 'done', 'skip', 'finish'];
  it.each(Object.entries(table))('while %s', (phase, want) => {
    const silent = given([{ type: 'turn', phase: phase as 'waiting', total: 1, index: 0, question }]);
    const state: RoomState = { ...silent, peer: 'connected' };
    expect(commands.filter((c) => can(state, c))).toEqual(want);
    expect(commands.filter((c) => can(silent, c))).toEqual(want.filter((c) => c !== 'begin'));
    expect(commands.filter((c) => can({ ...state, link: 'reconnecting' }, c))).toEqual([]);
    expect(commands.filter((c) => can({ ...state, ended: 'taken_over' }, c))).toEqual([]);
  });
  it('begin once the sound of a program arrives, and not before', () => {
    const waits = given([{ type: 'turn', phase: 'waiting', total: 1 }]);
    const sends = (audio: 'receiving' | 'missing'): RoomState => ({
      ...waits,
      program: 'sending',
      received: { audio, video: 'off' },
    });
    expect(can(sends('missing'), 'begin')).toBe(false);
    expect(can(sends('receiving'), 'begin')).toBe(true);
  });
});

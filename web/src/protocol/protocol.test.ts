import { describe, expect, it } from 'vitest';
import examples from '../../../signaling/testdata/messages.json';
import { decodeMessage, MAX_MESSAGE_CHARS } from './decode';
import { encodeMessage } from './encode';
import type { FromPage, FromServer } from './messages';

function reason(text: string): string {
  const decoded = decodeMessage(text);
  return decoded.ok ? `accepted: ${text}` : decoded.reason;
}

describe('messages from the server', () => {
  it.each(examples.from_server.map((m) => [JSON.stringify(m), m]))('decodes %s', (text, example) => {
    expect(decodeMessage(text as string)).toEqual({ ok: true, message: example });
  });

  it('has an example for every type the page knows', () => {
    const known: Record<FromServer['type'], true> = {
      welcome: true,
      program: true,
      answer: true,
      ice_candidate: true,
      turn: true,
      caption: true,
      caption_partial: true,
      caption_failed: true,
      media: true,
      recording: true,
      consents: true,
      gap: true,
      problem: true,
      ended: true,
    };
    expect(new Set(examples.from_server.map((m) => m.type))).toEqual(new Set(Object.keys(known)));
  });

  it('ignores unknown fields', () => {
    const decoded = decodeMessage('{"type":"ended","reason":"finished","later":{"a":1}}');
    expect(decoded).toEqual({ ok: true, message: { type: 'ended', reason: 'finished' } });
  });

  it('reads a first question whose index was left out as zero', () => {
    const decoded = decodeMessage(
      '{"type":"turn","phase":"answering","total":4,"question":{"text":"Why?","kind":"technical"}}',
    );
    expect(decoded.ok && decoded.message.type === 'turn' && decoded.message.index).toBe(0);
  });

  it.each([
    ['not json', 'message is not JSON'],
    ['[]', 'message is not an object'],
    ['null', 'message is not an object'],
    ['{}', 'message.type is not text'],
    ['{"type":"toString"}', 'unknown message type "toString"'],
    ['{"type":"surprise"}', 'unknown message type "surprise"'],
    ['{"type":"answer"}', 'message.sdp is not text'],
    [
      '{"type":"recording","state":"maybe","elapsed_ms":0}',
      'message.state is not one of on, delayed, failed, off',
    ],
    ['{"type":"recording","state":"on","elapsed_ms":"1"}', 'message.elapsed_ms is not a number'],
    ['{"type":"turn","phase":"answering","total":1}', 'message.question is not an object'],
    ['{"type":"consents","consents":{"recording":1}}', 'message.consents.recording is not true or false'],
    [
      '{"type":"caption","epoch":1,"sequence":0,"start_ms":0,"end_ms":1,"text":"a","doubtful":[null]}',
      'message.doubtful is not a list of numbers',
    ],
    [
      '{"type":"caption","epoch":1,"sequence":0,"start_ms":0,"end_ms":1,"text":"a","repaired":[1]}',
      'message.repaired[0] is not an object',
    ],
    ['{"type":"ice_candidate","ice_candidate":"x"}', 'message.ice_candidate is not an object'],
  ])('refuses %s', (text, want) => {
    expect(reason(text)).toBe(want);
  });

  it('refuses a message that is too long without parsing it', () => {
    expect(reason('['.repeat(MAX_MESSAGE_CHARS + 1))).toBe('message is too long');
  });
});

describe('messages from the page', () => {
  // One value per type: the compiler refuses a missing or misspelt field, the examples refuse an extra one.
  const sent: { [T in FromPage['type']]: Extract<FromPage, { type: T }> } = {
    hello: { type: 'hello', version: 2 },
    offer: { type: 'offer', sdp: 'v=0\r\n' },
    ice_candidate: {
      type: 'ice_candidate',
      ice_candidate: {
        candidate: 'candidate:1 1 udp 2130706431 127.0.0.1 40000 typ host',
        sdp_mid: '0',
        sdp_mline_index: 0,
      },
    },
    begin: { type: 'begin' },
    start_answer: { type: 'start_answer' },
    done: { type: 'done' },
    moment: { type: 'moment' },
    again: { type: 'again' },
    next: { type: 'next' },
    skip: { type: 'skip' },
    finish: { type: 'finish' },
    muted: { type: 'muted', kind: 'audio', muted: true },
    voice: { type: 'voice', speaking: true },
  };

  const lastCandidate: FromPage = {
    type: 'ice_candidate',
    ice_candidate: { candidate: '', sdp_mid: '0', sdp_mline_index: 0, username_fragment: 'abcd' },
  };

  const takeovers: FromPage[] = [
    { type: 'hello', version: 2, page: 'pKq0y4mUeFhZ3wqL1b8SxA', takeover: true },
    { type: 'offer', sdp: 'v=0\r\n', takeover: true },
  ];

  const silent: FromPage[] = [
    { type: 'voice', speaking: false },
    { type: 'voice', speaking: false, interrupted: true },
  ];

  it.each([
    ...Object.values(sent),
    lastCandidate,
    ...silent,
    ...takeovers,
  ])('writes $type as in an example', (message) => {
    expect(examples.from_page).toContainEqual(JSON.parse(encodeMessage(message)));
  });

  it('has an example for every type the page sends', () => {
    expect(new Set(examples.from_page.map((m) => m.type))).toEqual(new Set(Object.keys(sent)));
  });
});

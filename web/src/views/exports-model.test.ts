import { describe, expect, it } from 'vitest';
import type { Export } from '../api/types';
import { leftOut, nameOf, standing, underWay } from './exports-model';

const one = (change: Partial<Export>): Export => ({
  id: 'e',
  state: 'queued',
  requested_at: '2026-11-22T12:00:00Z',
  bytes: 0,
  sessions_done: 0,
  sessions_all: 3,
  left_out: [],
  ...change,
});

describe('exports', () => {
  it('are asked about again only while one is being made', () => {
    expect(underWay([one({ state: 'ready' }), one({ state: 'running' })])).toBe(true);
    expect(underWay([one({ state: 'queued' })])).toBe(true);
    expect(underWay([one({ state: 'ready' }), one({ state: 'failed' }), one({ state: 'gone' })])).toBe(false);
    expect(underWay([])).toBe(false);
  });

  it('say what they are of', () => {
    expect(nameOf(one({}))).toBe('Everything');
    expect(nameOf(one({ session: 's', role_title: 'Go engineer' }))).toBe('One interview: Go engineer');
    expect(nameOf(one({ session: 's', role_title: '' }))).toBe('One interview');
  });

  it('say where they stand, with their numbers', () => {
    expect(standing(one({ state: 'running', sessions_done: 1, bytes: 14_200_000 }))).toBe(
      'Being made: 1 of 3 interviews, 14.2 MB so far. You can leave this page.',
    );
    expect(standing(one({ state: 'running', sessions_all: 1 }))).toContain('0 of 1 interview,');
    expect(standing(one({ state: 'ready', bytes: 999, gone_at: '2026-11-23T12:00:00Z' }))).toMatch(
      /^Ready, 999 B\. .* until 23 Nov 2026/,
    );
    const told = new Set(
      (['erased', 'held', 'live', 'closed', 'server'] as const).map((fault) =>
        standing(one({ state: 'failed', fault })),
      ),
    );
    expect(told.size).toBe(5);
    expect(standing(one({ state: 'failed' }))).toContain('server could not');
  });

  it('name what is not in them, but not twice', () => {
    const left: Export['left_out'] = [
      { session: 'a', role_title: 'Go engineer', why: 'erased' },
      { session: 'b', why: 'held' },
    ];
    expect(leftOut(one({ state: 'ready', left_out: left }))).toEqual([
      'Go engineer is not in it: it was erased.',
      'An interview is not in it: it is closed by a legal hold.',
    ]);
    expect(leftOut(one({ state: 'failed', fault: 'erased', left_out: left }))).toEqual([]);
  });
});

import { describe, expect, it } from 'vitest';
import type { Erasure } from '../api/types';
import { erasures as words } from '../text';
import { erasureWords, isUnderWay } from './erasure-words';

const order = ['keys', 'spool', 'objects', 'rows', 'openings', 'verified'] as const;

function erasure(state: Erasure['state'], done: number, fault?: Erasure['fault']): Erasure {
  return {
    id: 'e',
    session: 's',
    cause: 'request',
    state,
    requested_at: '2026-11-24T10:00:00Z',
    steps: order.map((step, i) =>
      i < done ? { step, count: i, done_at: '2026-11-24T10:00:01Z' } : { step, count: 0 },
    ),
    ...(state === 'done' && { finished_at: '2026-11-24T10:00:05Z' }),
    ...(fault && { fault }),
  };
}

describe('how far an erasure is', () => {
  it('counts its steps, and says when the keys are gone', () => {
    expect(erasureWords(erasure('running', 0))).toBe('0 of 6 steps are done.');
    expect(erasureWords(erasure('running', 1))).toBe(`1 of 6 steps are done. ${words.keysGone}`);
  });

  it.each(['objects', 'server'] as const)('says what it waits for: %s', (fault) => {
    expect(erasureWords(erasure('running', 2, fault))).toBe(
      `2 of 6 steps are done. ${words.keysGone} ${words.faults[fault]}`,
    );
  });

  it('is done, or waits for a hold to end', () => {
    expect(erasureWords(erasure('done', 6))).toMatch(/^Done 24 Nov 2026/);
    expect(erasureWords(erasure('paused', 0))).toBe(words.paused);
  });

  it('is asked for again only while it goes on by itself', () => {
    expect((['running', 'paused', 'done'] as const).filter((state) => isUnderWay({ state }))).toEqual([
      'running',
    ]);
  });
});

import { describe, expect, it } from 'vitest';
import { endOfAccess } from './end-of-access';

const until = '2026-11-28T12:00:00Z';
const at = (text: string) => endOfAccess(until, new Date(text).getTime());

describe('the end of what is shared', () => {
  it.each([
    ['is waited for', '2026-11-28T11:59:58Z', { inMs: 2_000, ends: true }],
    ['is asked about slowly by a clock that is at it', '2026-11-28T12:00:00Z', { inMs: 15_000, ends: false }],
    ['is asked about slowly by a clock that is ahead', '2026-11-28T17:00:00Z', { inMs: 15_000, ends: false }],
    ['is left to the server when it is too far away for a timer', '2026-10-01T00:00:00Z', null],
  ])('%s', (_, now, want) => {
    expect(at(now)).toEqual(want);
  });

  it('is left to the server when it cannot be read', () => {
    expect(endOfAccess('', 0)).toBeNull();
  });
});

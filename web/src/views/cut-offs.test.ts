import { describe, expect, it } from 'vitest';
import type { Authorization, CutOff, Viewer } from '../api/types';
import { FreshCutOffs, splitViewers } from './cut-offs';

const cut = (at: string, org_name = 'Org', stream: CutOff['stream'] = 'media'): CutOff => ({
  at,
  org_name,
  stream,
  cause: 'withdrawn',
  after_ms: 9,
});

describe('cut-offs', () => {
  it('are fresh when they were not there at the first look', () => {
    const fresh = new FreshCutOffs();
    expect(fresh.of([cut('1')])).toEqual([]);
    expect(fresh.of([cut('2'), cut('1')])).toEqual([cut('2')]);
    // Two streams can end in the same moment, and stay fresh.
    const both = [cut('3'), cut('3', 'Org', 'events'), cut('2'), cut('1')];
    expect(fresh.of(both)).toEqual(both.slice(0, 3));
  });
});

describe('viewers', () => {
  const viewer = (org_name: string): Viewer => ({ org_name, stream: 'media', since: '1' });
  const record = (org_name: string, state: Authorization['state']) => ({ org_name, state }) as Authorization;

  it('are about to be cut off when nothing is granted to them any more', () => {
    const list = [viewer('A'), viewer('B'), viewer('C')];
    const standing = [record('A', 'granted'), record('B', 'suspended'), record('A', 'suspended')];
    expect(splitViewers(list, standing)).toEqual({
      open: [viewer('A')],
      closing: [viewer('B'), viewer('C')],
    });
  });
});

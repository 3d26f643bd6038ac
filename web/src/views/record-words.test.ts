import { describe, expect, it } from 'vitest';
import type { Authorization } from '../api/types';
import { sharing } from '../text';
import { partChange } from './part-change';
import { byPlace, endWords, linkEnd, noticeEffect, partsOf, pauseWords } from './record-words';
import { blankTerms, sharable } from './share-terms';

const states = [
  'requested',
  'granted',
  'suspended',
  'refused',
  'expired',
  'withdrawn',
  'revoked',
  'superseded',
] as const;

function record(state: Authorization['state']): Authorization {
  return {
    id: state,
    org_id: 'o',
    org_name: 'Org',
    purpose: 'hiring',
    scopes: ['ratings'],
    valid_from: '2026-11-01T00:00:00Z',
    valid_until: '2026-12-01T00:00:00Z',
    state,
    notice_version: 2,
  };
}

describe('records on the sharing page', () => {
  it('stand in one place each, whatever their state', () => {
    const { asked, standing, ended } = byPlace(states.map(record));
    expect(asked.map((a) => a.state)).toEqual(['requested']);
    expect(standing.map((a) => a.state)).toEqual(['granted', 'suspended']);
    expect(ended.map((a) => a.state)).toEqual(['refused', 'expired', 'withdrawn', 'revoked', 'superseded']);
  });

  it('say how they ended, each way in its own words', () => {
    const said = byPlace(states.map(record)).ended.map(endWords);
    expect(new Set(said).size).toBe(said.length);
    for (const sentence of said) expect(Object.values(sharing.endings)).toContain(sentence);
    expect(endWords({ state: 'withdrawn', ended_at: '2026-11-20T10:00:00Z' })).toMatch(
      /^you withdrew it, 20 Nov 2026/,
    );
  });

  it('say that they stand still, and only those that do', () => {
    expect(states.filter((state) => pauseWords({ state }) !== '')).toEqual(['suspended']);
    const reasons = (['notice', 'restricted', 'held'] as const).map((paused_by) =>
      pauseWords({ state: 'suspended', paused_by }),
    );
    expect(new Set(reasons).size).toBe(3);
  });

  it.each([
    ['granted', undefined, undefined, 'none'],
    ['granted', undefined, 'editorial', 'none'],
    ['granted', undefined, 'notice', 'told'],
    ['granted', undefined, 'reconsent', 'soon'], // it is not in force yet, or the record would stand still
    ['suspended', 'notice', 'reconsent', 'paused'],
    ['suspended', 'notice', 'editorial', 'paused'], // of three notices the one between asked to agree anew
    ['suspended', 'restricted', 'reconsent', 'none'],
    ['suspended', 'restricted', 'notice', 'told'],
  ] as const)('a record that is %s (%s) under a change that is %s: %s', (state, paused_by, materiality, want) => {
    const record = paused_by ? { state, paused_by } : { state };
    expect(noticeEffect(record, materiality && { materiality })).toBe(want);
  });

  it('name their parts', () => {
    expect(partsOf({ scopes: ['ratings', 'transcript', 'profile'] })).toBe('levels, transcript and name');
  });
});

describe('the link of an invitation', () => {
  const [early, late] = ['2026-11-30T23:59:59Z', '2026-12-08T10:00:00.5Z'];
  it.each([
    [late, early],
    [early, late],
    [early, early],
  ])('that expires at %s, for a record until %s, stops working at the earlier', (expires_at, valid_until) => {
    expect(linkEnd({ expires_at, valid_until })).toBe(early);
  });
});

describe('another choice of parts', () => {
  it.each([
    [['ratings', 'feedback'], ['ratings'], 'narrower'],
    [['ratings', 'feedback'], ['feedback', 'ratings'], 'same'],
    [['ratings'], ['ratings', 'feedback'], 'wider'],
    [['ratings', 'feedback'], ['ratings', 'transcript'], 'wider'], // one more, for one less
    [['ratings'], [], 'none'],
  ] as const)('from %j to %j is %s', (before, after, want) => {
    expect(partChange(before, after)).toBe(want);
  });
});

describe('terms', () => {
  it('begin with no part, for the less consequential purpose, for thirty days', () => {
    expect(blankTerms(new Date('2026-11-24T12:00:00'))).toEqual({
      purpose: 'practice_review',
      parts: [],
      until: '2026-12-24',
    });
  });

  it('leave out parts that cannot be shared today', () => {
    expect(sharable(['profile', 'resume', 'ratings', 'later'])).toEqual(['ratings', 'profile']);
  });
});

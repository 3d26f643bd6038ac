import { describe, expect, it } from 'vitest';
import type { Authorization, Receipt } from '../api/types';
import { orgReceiptWords, ownReceiptWords } from './receipt-words';

const records = [
  { id: 'a', org_id: 'o', org_name: 'Acme' },
  { id: 'b', org_id: 'p', org_name: 'Zenith' },
] as Authorization[];

const states: Receipt['state'][] = [
  'given',
  'refused',
  'withdrawn',
  'revoked',
  'superseded',
  'expired',
  'erased',
  'ended',
];

describe('receipts', () => {
  it.each(states)('of what was shared name the organization: %s', (state) => {
    expect(ownReceiptWords({ state, authorization: 'b' }, records)).toMatch(/Zenith/);
    // The record may be gone, or not be listed: its organization still says who it was.
    expect(ownReceiptWords({ state, authorization: 'gone', org_id: 'o' }, records)).toMatch(/Acme/);
    expect(ownReceiptWords({ state, authorization: 'gone', org_id: 'q' }, records)).toMatch(
      /an organization/,
    );
  });
  it.each(states)('of the choices before the interview name nobody: %s', (state) => {
    const said = ownReceiptWords({ state }, records);
    expect(said).not.toMatch(/Acme|Zenith|undefined/);
    expect(said).not.toBe('');
  });
  it('tell an organization no more of an end than that it is one', () => {
    const ends = states.filter((s) => s !== 'given').map((state) => orgReceiptWords({ state }));
    expect(new Set(ends).size).toBe(1);
    expect(orgReceiptWords({ state: 'given' })).not.toBe(ends[0]);
  });
});

import { describe, expect, it } from 'vitest';
import { forgetInvitation, takeInvitation, waitingInvitation } from './invitation-secret';

const first = 'abcdefghijklmnopqrstuvwxyz234567abcdefghijklmnopqrst';
const second = '7654327654327654327654327654327654327654327654327654';

function tab(pathname: string, hash: string, search = '') {
  const kept = new Map<string, string>();
  const addresses: string[] = [];
  return {
    addresses,
    location: { pathname, hash, search },
    history: { state: null, replaceState: (_: unknown, __: string, url: string) => void addresses.push(url) },
    store: {
      getItem: (key: string) => kept.get(key) ?? null,
      setItem: (key: string, value: string) => void kept.set(key, value),
      removeItem: (key: string) => void kept.delete(key),
    },
  };
}

describe('the secret of an invitation', () => {
  it('leaves the address and waits in the tab until it is forgotten', () => {
    const t = tab('/org/invitation', `#${first}`, '?x=1');
    expect(takeInvitation(t)).toBe(true);
    expect(t.addresses).toEqual(['/org/invitation?x=1']);
    expect(waitingInvitation(t.store)).toBe(first);
    forgetInvitation(t.store);
    expect(waitingInvitation(t.store)).toBe('');
  });

  it('is replaced by that of a later invitation', () => {
    const t = tab('/org/invitation', `#${first}`);
    takeInvitation(t);
    t.location.hash = `#${second}`;
    takeInvitation(t);
    expect(waitingInvitation(t.store)).toBe(second);
  });

  it('goes on waiting while somebody skips to the content', () => {
    const t = tab('/org/invitation', `#${first}`);
    takeInvitation(t);
    t.location.hash = '#content';
    expect(takeInvitation(t)).toBe(false);
    expect(waitingInvitation(t.store)).toBe(first);
  });

  it.each([
    ['another page', '/org', `#${first}`],
    ['no fragment', '/org/invitation', ''],
    ['an empty fragment', '/org/invitation', '#'],
    ['the link to the content', '/org/invitation', '#content'],
    ['a fragment that is too long', '/org/invitation', `#${first}a`],
    ['a fragment of other letters', '/org/invitation', `#${first.toUpperCase()}`],
  ])('is not looked for in %s', (_, pathname, hash) => {
    const t = tab(pathname, hash);
    expect(takeInvitation(t)).toBe(false);
    expect(t.addresses).toEqual([]);
    expect(waitingInvitation(t.store)).toBe('');
  });
});

// The secret of an invitation arrives in the address behind the "#", which no server sees. It is taken out
// of the address at once, so that it is in no bookmark, no history and no picture of the screen, and kept in
// this tab only, over a log-in and a reload, until it was used.

export const invitationPath = '/org/invitation';

const KEY = 'greenroom.invitation';

/** What a secret looks like; any other fragment, of the link to the content for one, is a place on the page. */
const FORM = /^#([a-z2-7]{52})$/;

interface Place {
  location: { pathname: string; search: string; hash: string };
  history: { replaceState: (data: unknown, unused: string, url: string) => void; state: unknown };
  store: Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>;
}

const here = (): Place => ({ location, history, store: sessionStorage });

/** Takes a secret out of the address before anything else of the page runs; whether one was there. */
export function takeInvitation({ location, history, store }: Place = here()): boolean {
  const secret = location.pathname === invitationPath && FORM.exec(location.hash)?.[1];
  if (!secret) return false;
  store.setItem(KEY, secret);
  history.replaceState(history.state, '', location.pathname + location.search);
  return true;
}

/** The secret that waits to be used in this tab; empty: none. */
export function waitingInvitation(store: Place['store'] = sessionStorage): string {
  return store.getItem(KEY) ?? '';
}

/** Forgets the secret, because it was used or will never be good for anything. */
export function forgetInvitation(store: Place['store'] = sessionStorage): void {
  store.removeItem(KEY);
}

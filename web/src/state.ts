import { computed, signal } from '@preact/signals';
import { ApiError, Client } from './api/client';
import { endpoints } from './api/endpoints';
import type { Account } from './api/types';
import { Handover } from './room/handover';

// What the whole page shares: who is logged in, and the one way to the server.

/** undefined: not asked yet; null: nobody. */
export const me = signal<Account | null | undefined>(undefined);

/** Why the first question to the server failed, if it did. */
export const meError = signal<unknown>(null);

export const online = signal(typeof navigator === 'undefined' || navigator.onLine);

interface Expired {
  account: Account;
  promise: Promise<boolean>;
  settle: (back: boolean) => void;
}

const expired = signal<Expired | null>(null);

/** Whose log-in ended in the middle of something; the page asks for it in a dialog. */
export const expiredAccount = computed(() => expired.value?.account ?? null);

function logInAgain(): Promise<boolean> {
  if (expired.value) return expired.value.promise;
  const account = me.value;
  if (!account) return Promise.resolve(false);
  let settle: (back: boolean) => void = () => undefined;
  const promise = new Promise<boolean>((resolve) => {
    settle = resolve;
  });
  expired.value = { account, promise, settle };
  return promise;
}

/** The dialog's answer. Giving up leads to the log-in page, with the way back in its address. */
export function settleLogIn(account: Account | null): void {
  const waiting = expired.value;
  expired.value = null;
  me.value = account;
  waiting?.settle(account !== null);
}

export const api = endpoints(new Client({ logInAgain }));

export async function loadMe(): Promise<void> {
  meError.value = null;
  try {
    me.value = await api.me();
  } catch (cause) {
    if (cause instanceof ApiError && cause.status === 401) me.value = null;
    else meError.value = cause;
  }
}

/** Where each kind of account begins. */
export function firstPage(account: Account | null | undefined): string {
  switch (account?.kind) {
    case 'candidate':
      return '/home';
    case 'employer':
      return '/org';
    case 'ops':
      return '/ops';
    default:
      return '/';
  }
}

/** The way back after a log-in: only ever a path of these pages. */
export function safeNext(next: string | undefined, otherwise: string): string {
  if (!next?.startsWith('/') || next.startsWith('//') || next.includes('\\')) return otherwise;
  return next;
}

/** Open devices on their way from the devices page to the room. */
export const handover = new Handover();

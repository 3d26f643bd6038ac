import { computed, signal } from '@preact/signals';
import { ApiError, Client } from './api/client';
import { endpoints } from './api/endpoints';
import type { Account } from './api/types';
import { Handover } from './room/handover';
import { type Locks, PageName } from './room/page-name';

// What the whole page shares: who is logged in, and the one way to the server.

/** undefined: not asked yet; null: nobody. */
export const me = signal<Account | null | undefined>(undefined);

/** Until when the account that was just closed here can be opened again; empty: none was. */
export const justClosed = signal('');

/** Why the first question to the server failed, if it did. */
export const meError = signal<unknown>(null);

export const online = signal(typeof navigator === 'undefined' || navigator.onLine);

/** A question to the person that requests wait for: one dialog, however many of them. */
class Question<T> {
  private readonly open = signal<{
    about: T;
    promise: Promise<boolean>;
    settle: (yes: boolean) => void;
  } | null>(null);
  /** What the dialog is about; null: it is not open. */
  readonly about = computed(() => this.open.value?.about ?? null);

  ask(about: T): Promise<boolean> {
    if (this.open.value) return this.open.value.promise;
    let settle: (yes: boolean) => void = () => undefined;
    const promise = new Promise<boolean>((resolve) => {
      settle = resolve;
    });
    this.open.value = { about, promise, settle };
    return promise;
  }

  settle(yes: boolean): void {
    const waiting = this.open.value;
    this.open.value = null;
    waiting?.settle(yes);
  }
}

const expired = new Question<Account>();
const unconfirmed = new Question<Account>();

/** Whose log-in ended in the middle of something; the page asks for it in a dialog. */
export const expiredAccount = expired.about;

/** Who is asked to prove again who they are, before something that a borrowed browser must not do. */
export const unconfirmedAccount = unconfirmed.about;

const askMe = (question: Question<Account>) => async () => (me.value ? question.ask(me.value) : false);

/** The dialog's answer. Giving up leads to the log-in page, with the way back in its address. */
export function settleLogIn(account: Account | null): void {
  me.value = account;
  expired.settle(account !== null);
}

export function settleConfirm(done: boolean): void {
  unconfirmed.settle(done);
}

export const api = endpoints(new Client({ logInAgain: askMe(expired), confirm: askMe(unconfirmed) }));

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

/** What this page is called to the server, over reloads; made when a room is first entered. */
let named: PageName | undefined;
export function pageName(): Promise<string> {
  named ??= new PageName(sessionStorage, navigator.locks as Locks | undefined);
  return named.name();
}

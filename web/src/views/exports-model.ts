import type { Export } from '../api/types';
import { exports as words } from '../text';
import { bytes, dateTime } from '../ui/format';

/** Whether something is still being made, so that the page asks again. */
export const underWay = (list: readonly Export[]): boolean =>
  list.some((one) => one.state === 'queued' || one.state === 'running');

/** What a copy is of. */
export const nameOf = (one: Export): string => (one.session ? words.one(one.role_title ?? '') : words.whole);

/** Where a copy stands, in one sentence. */
export function standing(one: Export): string {
  switch (one.state) {
    case 'queued':
      return words.queued;
    case 'running':
      return words.running(one.sessions_done, one.sessions_all, bytes(one.bytes));
    case 'ready':
      return words.ready(bytes(one.bytes), dateTime(one.gone_at ?? ''));
    case 'failed':
      return words.failed[one.fault ?? 'server'];
    case 'gone':
      return words.gone;
    default: {
      const unknown: never = one.state;
      return unknown;
    }
  }
}

/** Which interviews are not in it, and why. An export of one that failed for the same reason says it once. */
export const leftOut = (one: Export): string[] =>
  one.state === 'failed'
    ? []
    : one.left_out.map((left) => words.leftOut(left.role_title || words.nameless, words.why[left.why]));

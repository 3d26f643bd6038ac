import type { AICall, Holding, SessionAccess } from '../api/types';
import { data as words } from '../text';
import { bytes, date, listed, period } from '../ui/format';
import { type AccessGroup, accessGroups } from './access-groups';

export interface SeenGroup extends AccessGroup {
  session: string;
  role: string;
}

/** Looks at all interviews: what an organization opened of one within a minute is one line, the newest first. */
export function seenGroups(list: readonly SessionAccess[]): SeenGroup[] {
  const sessions = new Map<string, SessionAccess[]>();
  for (const access of list) {
    const of = sessions.get(access.session) ?? [];
    of.push(access);
    sessions.set(access.session, of);
  }
  return [...sessions]
    .flatMap(([session, of]) =>
      accessGroups(of).map((group) => ({ ...group, session, role: of[0]?.role_title ?? '' })),
    )
    .sort((a, b) => Date.parse(b.at) - Date.parse(a.at));
}

/** How much of a thing there is: its number, and the size where it has one. */
export const amount = (one: Holding): string =>
  [one.thing === 'profile' ? '' : String(one.count), one.bytes ? bytes(one.bytes) : '']
    .filter(Boolean)
    .join(' · ');

/** Since when there is some of a thing, and when it goes by itself: a day once its time runs, else the rule. */
export function howLong(one: Holding): string {
  if (one.since && one.until) return words.sinceUntil(date(one.since), date(one.until));
  const since = one.since ? words.since(date(one.since)) : '';
  const kept = one.kept ? words.kept(period(one.kept), one.from) : words.unlimited;
  return [since, kept].filter(Boolean).join(' ');
}

/** What a model was asked for, in words. */
export const askedFor = (call: AICall): string => {
  switch (call.for) {
    case 'transcription':
      return words.transcription(call.times);
    case 'evidence':
      return words.evidence;
    case 'rating':
      return words.rating;
    case 'feedback':
      return words.feedback;
    case 'follow_up':
      return words.follow_up;
    default: {
      const unknown: never = call.for;
      return unknown;
    }
  }
};

/** Who was asked: the model, and the place that was sent the words. */
export const modelOf = (call: AICall): string => (call.place ? words.at(call.model, call.place) : call.model);

// An interview that was erased has no role any more.
const inRole = (title: string): string => title || words.erasedRole;

export const whatWasOpened = (group: SeenGroup): string =>
  words.opened(listed(group.what), inRole(group.role));

export const whatWasAsked = (call: AICall): string => words.asked(askedFor(call), inRole(call.role_title));

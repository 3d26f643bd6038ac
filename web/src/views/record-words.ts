import type { Authorization, Invitation, NoticeChange } from '../api/types';
import { paused, scopes, sharing } from '../text';
import { date, dateTime, listed } from '../ui/format';

/** The parts of a record in one phrase. */
export function partsOf(record: Pick<Authorization, 'scopes'>): string {
  return listed(record.scopes.map((s) => scopes[s]?.short ?? s));
}

/** Records by what can be done about them: answered, ended, or only looked at. */
export function byPlace(list: readonly Authorization[]) {
  return {
    asked: list.filter((a) => a.state === 'requested'),
    standing: list.filter((a) => a.state === 'granted' || a.state === 'suspended'),
    ended: list.filter((a) => a.state !== 'requested' && a.state !== 'granted' && a.state !== 'suspended'),
  };
}

/** Why a suspended record shows nothing; empty for every other. */
export function pauseWords(record: Pick<Authorization, 'state' | 'paused_by'>): string {
  if (record.state !== 'suspended') return '';
  return paused[record.paused_by ?? 'notice'];
}

/** What a newer notice means for a record: it stands still, will from a day on, or goes on as it was. */
export type NoticeEffect = 'paused' | 'soon' | 'told' | 'none';

export function noticeEffect(
  record: Pick<Authorization, 'state' | 'paused_by'>,
  change: Pick<NoticeChange, 'materiality'> | undefined,
): NoticeEffect {
  if (!change) return 'none';
  if (record.paused_by === 'notice') return 'paused';
  if (change.materiality === 'reconsent') return record.state === 'granted' ? 'soon' : 'none';
  return change.materiality === 'notice' ? 'told' : 'none';
}

/** How and when a record ended. */
export function endWords(record: Pick<Authorization, 'state' | 'ended_at'>): string {
  const how = sharing.endings[record.state] ?? record.state;
  return record.ended_at ? `${how}, ${dateTime(record.ended_at)}` : how;
}

/** When the link of an invitation stops working: there is no use in asking for what is over. */
export function linkEnd(invitation: Pick<Invitation, 'expires_at' | 'valid_until'>): string {
  const { expires_at, valid_until } = invitation;
  return new Date(valid_until) < new Date(expires_at) ? valid_until : expires_at;
}

/** Until when a record lasts by itself. */
export function untilWords(record: Pick<Authorization, 'valid_until'>): string {
  return sharing.until(date(record.valid_until));
}

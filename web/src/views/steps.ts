import type { Session } from '../api/types';

/** Where a session goes on, by its state. */
export function sessionPath(session: Pick<Session, 'id' | 'state'>): string {
  const base = `/sessions/${encodeURIComponent(session.id)}`;
  switch (session.state) {
    case 'scheduled':
      return `${base}/consent`;
    case 'consented':
      return `${base}/devices`;
    case 'live':
      return `${base}/room`;
    default:
      return `${base}/report`;
  }
}

export type NextKind = 'scheduled' | 'consented' | 'live' | 'report';

/** The one session to put on top: what is open comes first, then the newest report. */
export function nextStep(sessions: readonly Session[]): { session: Session; kind: NextKind } | null {
  const newest = [...sessions].sort((a, b) => b.created_at.localeCompare(a.created_at));
  for (const kind of ['live', 'consented', 'scheduled'] as const) {
    const session = newest.find((s) => s.state === kind);
    if (session) return { session, kind };
  }
  const done = newest.find((s) => s.state === 'ended' || s.state === 'assessed');
  return done ? { session: done, kind: 'report' } : null;
}

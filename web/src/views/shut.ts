import { ApiError } from '../api/client';
import type { Session } from '../api/types';

/** Whether nothing more is told of a session, so that asking again and again has no point: it is gone or held. */
export function isShut(session: Pick<Session, 'held_at'> | undefined, error: unknown): boolean {
  if (error instanceof ApiError && (error.status === 404 || error.status === 423)) return true;
  return session?.held_at !== undefined;
}

import { useEffect } from 'preact/hooks';
import { gathered } from '../api/again';
import { ApiError } from '../api/client';
import { eventsUrl } from '../api/endpoints';
import { listen } from '../api/events';
import { api } from '../state';

/** Several results within this are one reload. */
const GATHER_MS = 300;

/** Not logged in, not there (any more), held. */
const notForYou = [401, 404, 423];

export function isNotForYou(error: unknown): boolean {
  return error instanceof ApiError && notForYou.includes(error.status);
}

/** Looks again when something came of the interview. Once the reader is shut out nothing more is asked. */
export function useReportEvents(id: string, shut: boolean, reload: () => void, shutOut: () => void): void {
  useEffect(() => {
    if (shut) return;
    const leaving = new AbortController();
    const look = gathered(reload, GATHER_MS, leaving.signal);
    // A stream that is refused does not say why. Whoever is logged out, elsewhere too, sees nothing any more.
    const refused = async () => {
      const call = { signal: leaving.signal, mayBeLoggedOut: true };
      const error = await api.session(id, call).then(
        () => null,
        (cause: unknown) => cause,
      );
      if (isNotForYou(error)) shutOut();
      else look();
    };
    listen(
      eventsUrl('sessions', id),
      leaving.signal,
      { results: look, consents: look },
      () => void refused(),
    );
    return () => leaving.abort();
  }, [id, shut]);
}

import { useEffect, useMemo, useRef } from 'preact/hooks';
import type { SendRating } from '../ui/own-ratings';
import { OwnRatings } from '../ui/own-ratings';

/**
 * What the reader rates in one interview, for as long as its report is here: panels come and go, and so may
 * what is shown. A page that goes sends what waits.
 */
export function useOwnRatings(session: string, send: SendRating): OwnRatings {
  const latest = useRef(send);
  latest.current = send;
  const ratings = useMemo(
    () => new OwnRatings((place, level, why) => latest.current(place, level, why)),
    [session],
  );
  useEffect(() => {
    const leaving = new AbortController();
    const onHidden = () => document.hidden && void ratings.settle();
    document.addEventListener('visibilitychange', onHidden, { signal: leaving.signal });
    return () => {
      leaving.abort();
      void ratings.settle();
    };
  }, [ratings]);
  return ratings;
}

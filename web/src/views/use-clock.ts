import { useEffect, useState } from 'preact/hooks';

const EVERY_MS = 250;

/** The monotonic clock of the room, looked at four times a second. */
export function useClock(): number {
  const [now, setNow] = useState(() => performance.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(performance.now()), EVERY_MS);
    return () => clearInterval(timer);
  }, []);
  return now;
}

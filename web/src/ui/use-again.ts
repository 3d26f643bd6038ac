import { useEffect, useState } from 'preact/hooks';
import { FaultCount, waitMs, whenSeen } from '../api/again';
import type { Load } from './load';

/**
 * Loads again and again while something is under way: each round begins a while after the one before is
 * done, however slow the line; none while the page is hidden; and fewer while a fault stands.
 */
export function useAgain(of: Load<unknown>, wanted: boolean, everyMs: number): void {
  const [faults] = useState(() => new FaultCount());
  const { busy, value, error, reload } = of;
  useEffect(() => {
    if (busy) return;
    const inARow = faults.of(error);
    if (wanted) return whenSeen(reload, waitMs(everyMs, inARow));
  }, [wanted, busy, value, error, everyMs]);
}

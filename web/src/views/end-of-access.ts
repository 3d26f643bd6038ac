/** Longest wait a timer takes. */
const LONGEST_MS = 2 ** 31 - 1;

/** How long a page waits that was just told that it may go on after the end, by its own clock, had come. */
const AHEAD_MS = 15_000;

/**
 * When a page asks whether its time is over. By this clock it ends at valid_until; but a server that just
 * answered knows better, so a clock that is ahead only asks now and then and takes nothing off the page.
 */
export function endOfAccess(validUntil: string, now: number): { inMs: number; ends: boolean } | null {
  const left = new Date(validUntil).getTime() - now;
  if (!(left < LONGEST_MS)) return null;
  return left > 0 ? { inMs: left, ends: true } : { inMs: AHEAD_MS, ends: false };
}

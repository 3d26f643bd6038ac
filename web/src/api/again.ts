// When to ask the server again. Every request keeps a log-in alive, so nobody's page asks unseen.

/** The part of a document that is used here. */
export interface Seen extends EventTarget {
  readonly hidden: boolean;
}

const LONGEST_MS = 60_000;

/** How long to wait for the next round: twice as long for each fault in a row, up to a minute. */
export function waitMs(everyMs: number, faults: number): number {
  return faults === 0 ? everyMs : Math.min(everyMs * 2 ** faults, LONGEST_MS);
}

/** Acts after a while, or when the page is shown again if it is hidden then. What it returns calls that off. */
export function whenSeen(act: () => void, ms: number, page: Seen = document): () => void {
  const waiting = new AbortController();
  const look = () => {
    if (page.hidden) return;
    waiting.abort();
    act();
  };
  const timer = setTimeout(() => {
    page.addEventListener('visibilitychange', look, { signal: waiting.signal });
    look();
  }, ms);
  return () => {
    clearTimeout(timer);
    waiting.abort();
  };
}

/** Calls that come within a while of each other, or while the page is hidden, are one. */
export function gathered(
  act: () => void,
  ms: number,
  signal: AbortSignal,
  page: Seen = document,
): () => void {
  let callOff = () => {};
  signal.addEventListener('abort', () => callOff(), { once: true });
  return () => {
    callOff();
    if (!signal.aborted) callOff = whenSeen(act, ms, page);
  };
}

/** Counts faults in a row, each error once however often it is looked at. */
export class FaultCount {
  private last: unknown = null;
  private n = 0;

  of(error: unknown): number {
    if (error === null) this.n = 0;
    else if (error !== this.last) this.n++;
    this.last = error;
    return this.n;
  }
}

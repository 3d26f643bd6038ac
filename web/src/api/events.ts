import { waitMs, whenSeen } from './again';

/** The part of EventSource that is used here. */
export interface EventSourceLike {
  readonly readyState: number;
  addEventListener(type: string, listener: () => void): void;
  close(): void;
}

export interface EventHandlers {
  [event: string]: () => void;
}

const CLOSED = 2;
const AGAIN_MS = 5_000;

/**
 * Listens to a server's event stream until the signal fires. The browser reconnects by itself after a
 * loss; after a refusal it does not, so refused is called (look at the page's data again: a 401 or 404
 * shows there) and the stream is tried anew a little later, more and more seldom, and not unseen.
 */
export function listen(
  url: string,
  signal: AbortSignal,
  handlers: EventHandlers,
  refused: () => void,
  open: (url: string) => EventSourceLike = (u) => new EventSource(u),
): void {
  let refusals = 0;
  let stop = () => {};
  const connect = () => {
    if (signal.aborted) return;
    const source = open(url);
    stop = () => source.close();
    for (const [event, handler] of Object.entries(handlers)) source.addEventListener(event, handler);
    source.addEventListener('open', () => {
      refusals = 0;
    });
    source.addEventListener('error', () => {
      if (source.readyState !== CLOSED || signal.aborted) return;
      stop = whenSeen(connect, waitMs(AGAIN_MS, refusals++));
      refused();
    });
  };
  connect();
  signal.addEventListener('abort', () => stop(), { once: true });
}

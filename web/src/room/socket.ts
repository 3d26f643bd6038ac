import { decodeMessage } from '../protocol/decode';
import { encodeMessage } from '../protocol/encode';
import type { FromPage, FromServer } from '../protocol/messages';
import { PROTOCOL_VERSION } from '../protocol/messages';
import type { Link } from './core';

/** The part of the browser's WebSocket that the room uses. */
export interface SocketLike {
  readonly readyState: number;
  send(text: string): void;
  close(code?: number, reason?: string): void;
  addEventListener(type: string, listener: (event: Event) => void, options?: { signal?: AbortSignal }): void;
}

export interface SocketOptions {
  url: string;
  /** Fetches what opens the room once; each try needs a new one. */
  ticket: () => Promise<string>;
  open?: (url: string, protocols: string[]) => SocketLike;
  random?: () => number;
  /** What the hello says beside the version. */
  hello?: () => { page?: string; takeover?: boolean };
  onMessage: (message: FromServer) => void;
  onLink: (link: Link, attempt: number) => void;
  /** Called before every try after the second; false gives up (logged out, session gone). */
  mayRetry?: () => Promise<boolean>;
}

/** What the page asks for, beside the ticket that no address and no log shows (PROTOCOL.md). */
export const SUBPROTOCOL = 'greenroom.room.v1';

const OPEN = 1;
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 8_000;
/** A link that lived this long starts its waits anew. */
const STABLE_MS = 5_000;
/** A try that neither opens nor fails is given up after this. */
const CONNECT_MS = 10_000;

/** Waits double, with up to half of each taken off at random so that pages do not come back at once. */
export function waitBefore(attempt: number, random: () => number): number {
  const full = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.max(0, attempt - 1));
  return full * (1 - random() / 2);
}

/**
 * The room's WebSocket: says hello, decodes, and comes back after every loss until it is stopped. One
 * socket at a time; a late event of an old socket is never heard (each has its own AbortController).
 */
export class RoomSocket {
  private current: SocketLike | null = null;
  private listening: AbortController | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private guard: ReturnType<typeof setTimeout> | undefined;
  private attempt = 0;
  private openedAt = 0;
  private stopped = false;

  constructor(private readonly options: SocketOptions) {}

  /** Connects, and stops for good when the signal fires. */
  start(signal: AbortSignal): void {
    if (signal.aborted) return;
    signal.addEventListener('abort', () => this.stop(), { once: true });
    this.options.onLink('connecting', 0);
    this.connect();
  }

  stop(): void {
    if (this.stopped) return;
    this.stopped = true;
    this.drop();
    this.options.onLink('closed', this.attempt);
  }

  /** Reports whether the message left; nothing is queued for a link that is down. */
  send(message: FromPage): boolean {
    if (this.current?.readyState !== OPEN) return false;
    this.current.send(encodeMessage(message));
    return true;
  }

  /** The network came back: try at once and not at the end of the wait. */
  hurry(): void {
    if (this.stopped || this.listening !== null) return;
    clearTimeout(this.timer);
    this.connect();
  }

  private connect(): void {
    this.drop();
    const trying = new AbortController();
    this.listening = trying;
    this.guard = setTimeout(() => this.lost(), CONNECT_MS);
    void this.dial(trying.signal);
  }

  private async dial(on: AbortSignal): Promise<void> {
    let ticket = '';
    try {
      ticket = await this.options.ticket();
    } catch {
      if (!on.aborted) this.lost(); // why, the session says: mayRetry asks it
      return;
    }
    if (on.aborted) return;
    const open = this.options.open ?? ((url, protocols) => new WebSocket(url, protocols));
    const socket = open(this.options.url, [SUBPROTOCOL, `ticket.${ticket}`]);
    this.current = socket;
    socket.addEventListener('open', () => this.opened(), { signal: on });
    socket.addEventListener('message', (event) => this.heard(event), { signal: on });
    socket.addEventListener('close', () => this.lost(), { signal: on });
  }

  private opened(): void {
    clearTimeout(this.guard);
    this.openedAt = Date.now();
    this.send({ type: 'hello', version: PROTOCOL_VERSION, ...this.options.hello?.() });
    this.options.onLink('open', this.attempt);
  }

  private heard(event: Event): void {
    const data: unknown = (event as MessageEvent).data;
    if (typeof data !== 'string') return;
    const decoded = decodeMessage(data);
    if (decoded.ok) this.options.onMessage(decoded.message);
    else console.warn('room: message ignored:', decoded.reason);
  }

  private lost(): void {
    const lived = this.openedAt > 0 && Date.now() - this.openedAt >= STABLE_MS;
    this.openedAt = 0;
    this.drop();
    if (this.stopped) return;
    this.attempt = lived ? 1 : this.attempt + 1;
    this.options.onLink('reconnecting', this.attempt);
    this.timer = setTimeout(
      () => void this.retry(),
      waitBefore(this.attempt, this.options.random ?? Math.random),
    );
  }

  private async retry(): Promise<void> {
    // The browser does not say why a WebSocket was refused; ask the API once it looks like a refusal.
    if (this.attempt >= 2 && this.options.mayRetry && !(await this.options.mayRetry())) return this.stop();
    if (!this.stopped && this.listening === null) this.connect();
  }

  private drop(): void {
    clearTimeout(this.timer);
    clearTimeout(this.guard);
    this.listening?.abort();
    this.listening = null;
    this.current?.close();
    this.current = null;
  }
}

import type { FromPage, FromServer, MediaKind } from '../protocol/messages';
import type { Command, PeerState, RoomEvent, RoomState } from './core';
import { can, emptyRoom, reduce } from './core';
import type { RoomPeer } from './peer';
import { RoomPeer as Peer } from './peer';
import type { SocketLike } from './socket';
import { RoomSocket } from './socket';

export interface RoomOptions {
  stream: MediaStream;
  url: string;
  ticket: () => Promise<string>;
  /** The page's name for itself, by which the server knows it again after a reload. */
  page?: string;
  /** Whether the person said that this window takes the interview over from another one. */
  takeover?: boolean;
  openSocket?: (url: string, protocols: string[]) => SocketLike;
  makePeer?: () => RTCPeerConnection;
  mayRetry?: () => Promise<boolean>;
  now?: () => number;
  random?: () => number;
}

/** ICE often mends itself; a new connection is offered only after this. */
export const MEND_MS = 3_000;

/** An ICE restart that has not helped after this is followed by a new connection. */
export const RESTART_MS = 4_000;

/** A connection that is neither made nor lost after this is tried anew. */
export const MAKE_MS = 12_000;

/** One candidate's place in one room: socket, peer connection and state, without any page. */
export class Room {
  state: RoomState = emptyRoom;
  stream: MediaStream;
  private readonly listeners = new Set<(state: RoomState) => void>();
  private readonly socket: RoomSocket;
  private readonly peer: RoomPeer;
  private readonly now: () => number;
  private takeover: boolean;
  /** What this person turned off; it stays so through reconnects, other devices and another program. */
  readonly muted: Record<MediaKind, boolean> = { audio: false, video: false };
  private mending: ReturnType<typeof setTimeout> | undefined;
  private mendingFor: PeerState = 'none';

  constructor(options: RoomOptions) {
    this.stream = options.stream;
    this.takeover = options.takeover ?? false;
    this.now = options.now ?? (() => performance.now());
    this.socket = new RoomSocket({
      url: options.url,
      ticket: options.ticket,
      hello: () => ({
        ...(options.page !== undefined && { page: options.page }),
        ...(this.takeover && { takeover: true }),
      }),
      onMessage: (message) => this.receive(message),
      onLink: (link, attempt) => this.apply({ type: 'link', link, attempt }),
      ...(options.openSocket && { open: options.openSocket }),
      ...(options.mayRetry && { mayRetry: options.mayRetry }),
      ...(options.random && { random: options.random }),
    });
    this.peer = new Peer({
      send: (message) => this.send(message),
      onState: (state) => this.peerChanged(state),
      ...(options.makePeer && { make: options.makePeer }),
    });
  }

  /** Calls the listener with every new state until the returned function is called. */
  subscribe(listener: (state: RoomState) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Joins the room and leaves it when the signal fires. The stream stays its owner's. */
  join(signal: AbortSignal): void {
    signal.addEventListener('abort', () => this.leave(), { once: true });
    this.socket.start(signal);
  }

  /** The network is back or another one, says the browser: what was agreed for the old one is not waited for. */
  online(): void {
    this.socket.hurry();
    if (this.state.link === 'open' && this.sends()) void this.restart();
  }

  /** Sends this page's own sound and picture again, in place of the program's. */
  async useOwn(): Promise<void> {
    const takeover = this.state.program === 'sending';
    this.apply({ type: 'own' });
    if (this.state.link === 'open') await this.offer(takeover);
  }

  /** Sends a command if it means anything now; says whether it did. */
  command(command: Command): boolean {
    return can(this.state, command) && this.send({ type: command });
  }

  /** Tells the server that this page says a question aloud, or does so no longer. */
  voice(speaking: boolean, interrupted: boolean): void {
    this.send({ type: 'voice', speaking, ...(interrupted && { interrupted }) });
  }

  setMuted(kind: MediaKind, muted: boolean): void {
    this.muted[kind] = muted;
    for (const track of this.stream.getTracks()) if (track.kind === kind) track.enabled = !muted;
    this.send({ type: 'muted', kind, muted });
  }

  /** Goes on with other devices. */
  async useStream(stream: MediaStream): Promise<void> {
    this.stream = stream;
    for (const kind of ['audio', 'video'] as const) {
      for (const track of stream.getTracks()) if (track.kind === kind) track.enabled = !this.muted[kind];
    }
    if (this.state.link === 'open' && this.sends()) await this.offer();
  }

  dismiss(what: 'gap' | 'problem'): void {
    this.apply({ type: 'dismiss', what });
  }

  private receive(message: FromServer): void {
    this.apply({ type: 'message', message, now: this.now() });
    switch (message.type) {
      case 'welcome':
        this.takeover = false; // one decision of a person, and not of every reconnect after it
        if (this.sends()) void this.offer();
        else this.silence();
        return;
      case 'program':
        if (!this.sends()) this.silence();
        return;
      case 'answer':
        this.peer.answer(message.sdp).catch((cause) => this.peerFailed(cause));
        return;
      case 'ice_candidate':
        // A candidate that cannot be used is no failure of the connection: others may do.
        this.peer.remoteCandidate(message.ice_candidate).catch(() => undefined);
        return;
      case 'ended':
        if (this.state.ended !== null) this.leave();
        return;
      case 'problem':
        if (this.state.problem?.fatal) this.leave();
        else if (message.code === 'connection_lost' && this.sends()) void this.offer();
        else if (message.code === 'program_sending') this.silence();
        return;
      default:
    }
  }

  /** Whether sound and picture are this page's to send. */
  private sends(): boolean {
    return this.state.program === 'none';
  }

  /** Sends nothing: a program does, or nobody until the person says so. */
  private silence(): void {
    clearTimeout(this.mending);
    this.mending = undefined;
    this.peer.close();
    this.apply({ type: 'peer', peer: 'none' });
  }

  private async restart(): Promise<void> {
    const asked = await this.peer.restart().catch(() => false); // then the wait for a new connection goes on
    if (!asked && this.state.peer !== 'connected') await this.offer();
  }

  private async offer(takeover = false): Promise<void> {
    clearTimeout(this.mending);
    this.mending = undefined;
    await this.peer.offer(this.stream, takeover).catch((cause) => this.peerFailed(cause));
    // What is muted belongs to the peer connection on the server's side: it is said again.
    for (const kind of ['audio', 'video'] as const) {
      if (this.muted[kind]) this.send({ type: 'muted', kind, muted: true });
    }
  }

  private peerChanged(peer: PeerState): void {
    this.apply({ type: 'peer', peer });
    if (peer === 'lost' && this.mending !== undefined && this.mendingFor === 'lost') return; // the wait goes on
    clearTimeout(this.mending);
    this.mending = undefined;
    this.mendingFor = peer;
    if (peer === 'lost') this.mending = setTimeout(() => this.mend(true), MEND_MS);
    if (peer === 'connecting') this.mending = setTimeout(() => this.mend(false), MAKE_MS);
  }

  /**
   * If the socket is there (if it is not, its welcome mends): first ICE anew on the same connection, which
   * keeps its tracks and keys; if that does not help either, another connection.
   */
  private mend(gently: boolean): void {
    this.mending = undefined;
    if (this.state.link !== 'open' || this.state.peer === 'connected' || !this.sends()) return;
    if (!gently) return void this.offer();
    this.mending = setTimeout(() => this.mend(false), RESTART_MS);
    this.mendingFor = 'lost';
    void this.restart();
  }

  private peerFailed(cause: unknown): void {
    console.warn('room: peer connection failed:', cause instanceof Error ? cause.name : 'unknown');
    this.peerChanged('lost');
  }

  private leave(): void {
    clearTimeout(this.mending);
    this.peer.close();
    this.socket.stop();
    this.apply({ type: 'peer', peer: 'none' });
  }

  private send(message: FromPage): boolean {
    return this.socket.send(message);
  }

  private apply(event: RoomEvent): void {
    this.state = reduce(this.state, event);
    for (const listener of this.listeners) listener(this.state);
  }
}

/** The room's address beside the page's own. */
export function roomUrl(session: string, location: { protocol: string; host: string }): string {
  const scheme = location.protocol === 'https:' ? 'wss:' : 'ws:';
  return `${scheme}//${location.host}/api/v1/sessions/${encodeURIComponent(session)}/room`;
}

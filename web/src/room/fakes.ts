// Small stand-ins for the browser's socket, peer connection and stream, for tests only.

import type { FromServer } from '../protocol/messages';
import type { SocketLike } from './socket';

export class FakeSocket extends EventTarget implements SocketLike {
  readyState = 0;
  readonly sent: { type: string; [field: string]: unknown }[] = [];
  closed = false;

  constructor(
    readonly url: string,
    readonly protocols: string[] = [],
  ) {
    super();
  }

  send(text: string): void {
    this.sent.push(JSON.parse(text));
  }

  close(): void {
    this.closed = true;
    this.readyState = 3;
  }

  open(): void {
    this.readyState = 1;
    this.dispatchEvent(new Event('open'));
  }

  say(message: FromServer | string): void {
    const data = typeof message === 'string' ? message : JSON.stringify(message);
    this.dispatchEvent(Object.assign(new Event('message'), { data }));
  }

  lose(): void {
    this.readyState = 3;
    this.dispatchEvent(new Event('close'));
  }

  types(): string[] {
    return this.sent.map((m) => m.type);
  }
}

export class FakePeer extends EventTarget {
  connectionState = 'new';
  signalingState = 'stable';
  remoteDescription: unknown = null;
  readonly transceivers: { kind: string; direction: string }[] = [];
  readonly candidates: unknown[] = [];
  closed = false;

  addTransceiver(track: { kind: string }, init: { direction: string }): void {
    this.transceivers.push({ kind: track.kind, direction: init.direction });
  }

  readonly restarts: boolean[] = []; // of each offer: whether ICE begins anew

  createOffer(options: { iceRestart?: boolean } = {}): Promise<{ type: string; sdp: string }> {
    this.restarts.push(options.iceRestart ?? false);
    return Promise.resolve({ type: 'offer', sdp: 'v=0\r\n' });
  }

  setLocalDescription(): Promise<void> {
    this.signalingState = 'have-local-offer';
    const candidate = { candidate: 'candidate:1', sdpMid: '0', sdpMLineIndex: 0, usernameFragment: null };
    this.dispatchEvent(Object.assign(new Event('icecandidate'), { candidate }));
    this.dispatchEvent(Object.assign(new Event('icecandidate'), { candidate: null }));
    return Promise.resolve();
  }

  setRemoteDescription(description: unknown): Promise<void> {
    this.signalingState = 'stable';
    this.remoteDescription = description;
    return Promise.resolve();
  }

  addIceCandidate(candidate: unknown): Promise<void> {
    this.candidates.push(candidate);
    return Promise.resolve();
  }

  become(state: string): void {
    this.connectionState = state;
    this.dispatchEvent(new Event('connectionstatechange'));
  }

  close(): void {
    this.closed = true;
  }
}

export class FakeTrack extends EventTarget {
  enabled = true;
  readyState = 'live';

  constructor(readonly kind: 'audio' | 'video') {
    super();
  }

  stop(): void {
    this.readyState = 'ended';
  }
}

export class FakeStream {
  constructor(readonly tracks: FakeTrack[]) {}

  getTracks(): FakeTrack[] {
    return this.tracks;
  }

  addTrack(track: FakeTrack): void {
    this.tracks.push(track);
  }
}

export function fakeStream(...kinds: ('audio' | 'video')[]): FakeStream & MediaStream {
  return new FakeStream(kinds.map((k) => new FakeTrack(k))) as FakeStream & MediaStream;
}

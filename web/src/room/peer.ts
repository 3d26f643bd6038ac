import type { FromPage, IceCandidateMessage, MediaKind } from '../protocol/messages';
import type { PeerState } from './core';

export interface PeerOptions {
  make?: () => RTCPeerConnection;
  send: (message: FromPage) => void;
  onState: (state: PeerState) => void;
}

/** A good picture of one face; more costs storage and says nothing. */
const VIDEO_BITS_PER_SECOND = 1_500_000;

/**
 * Sends the candidate's tracks to the server, one way. An offer is made by a new RTCPeerConnection, so
 * that a reconnect and a reloaded page are the same to both sides; only where the network changed under a
 * connection that stands, ICE is restarted on it.
 */
export class RoomPeer {
  private connection: RTCPeerConnection | null = null;
  private listening: AbortController | null = null;
  private waiting: RTCIceCandidateInit[] = []; // the server's, that came before its answer
  private gathered: FromPage[] | null = null; // ours, found before the offer left

  constructor(private readonly options: PeerOptions) {}

  /** Replaces whatever connection there was and offers the stream's live tracks. */
  async offer(stream: MediaStream, takeover = false): Promise<void> {
    this.close();
    if (stream.getTracks().length === 0) return; // somebody without a microphone here, who uses a program
    const connection = (this.options.make ?? (() => new RTCPeerConnection({ iceServers: [] })))();
    this.connection = connection;
    this.gathered = [];
    this.listening = new AbortController();
    this.listen(connection, this.listening.signal);
    this.options.onState('connecting');
    for (const track of stream.getTracks()) {
      const encodings =
        track.kind === 'video' ? { sendEncodings: [{ maxBitrate: VIDEO_BITS_PER_SECOND }] } : {};
      connection.addTransceiver(track, { direction: 'sendonly', streams: [stream], ...encodings });
    }
    await this.propose(connection, {}, takeover);
  }

  /** Restarts ICE on the present connection; false: there is none that could. */
  async restart(): Promise<boolean> {
    const connection = this.connection;
    if (connection?.signalingState !== 'stable' || !connection.remoteDescription) return false;
    this.gathered = [];
    await this.propose(connection, { iceRestart: true }, false);
    return true;
  }

  private async propose(
    connection: RTCPeerConnection,
    options: RTCOfferOptions,
    takeover: boolean,
  ): Promise<void> {
    const description = await connection.createOffer(options);
    await connection.setLocalDescription(description);
    if (this.connection !== connection) return; // replaced while waiting
    // Only now: an answer that came before the local description was set could not be used. Candidates
    // that were gathered meanwhile must not overtake their offer.
    this.options.send({ type: 'offer', sdp: description.sdp ?? '', ...(takeover && { takeover }) });
    for (const candidate of this.gathered ?? []) this.options.send(candidate);
    this.gathered = null;
  }

  async answer(sdp: string): Promise<void> {
    const connection = this.connection;
    if (connection?.signalingState !== 'have-local-offer') return; // of an older offer
    await connection.setRemoteDescription({ type: 'answer', sdp });
    const waiting = this.waiting;
    this.waiting = [];
    for (const candidate of waiting) await connection.addIceCandidate(candidate);
  }

  async remoteCandidate(message: IceCandidateMessage): Promise<void> {
    const candidate = fromWire(message);
    if (!this.connection) return;
    if (!this.connection.remoteDescription) {
      this.waiting.push(candidate);
      return;
    }
    await this.connection.addIceCandidate(candidate);
  }

  /** Changes the device of one kind without a new offer. */
  async replace(kind: MediaKind, track: MediaStreamTrack | null): Promise<void> {
    const sender = this.connection?.getTransceivers().find((t) => t.sender.track?.kind === kind)?.sender;
    await sender?.replaceTrack(track);
  }

  close(): void {
    this.listening?.abort();
    this.listening = null;
    this.waiting = [];
    this.connection?.close();
    this.connection = null;
  }

  private listen(connection: RTCPeerConnection, signal: AbortSignal): void {
    connection.addEventListener(
      'icecandidate',
      ({ candidate }) => {
        if (!candidate) return;
        const message: FromPage = { type: 'ice_candidate', ice_candidate: toWire(candidate) };
        if (this.gathered) this.gathered.push(message);
        else this.options.send(message);
      },
      { signal },
    );
    connection.addEventListener(
      'connectionstatechange',
      () => this.options.onState(stateOf(connection.connectionState)),
      { signal },
    );
  }
}

function stateOf(state: RTCPeerConnectionState): PeerState {
  switch (state) {
    case 'connected':
      return 'connected';
    case 'disconnected':
    case 'failed':
      return 'lost';
    case 'closed':
      return 'none';
    default:
      return 'connecting';
  }
}

function toWire(candidate: RTCIceCandidate): IceCandidateMessage {
  return {
    candidate: candidate.candidate,
    ...(candidate.sdpMid === null ? {} : { sdp_mid: candidate.sdpMid }),
    ...(candidate.sdpMLineIndex === null ? {} : { sdp_mline_index: candidate.sdpMLineIndex }),
    ...(candidate.usernameFragment === null ? {} : { username_fragment: candidate.usernameFragment }),
  };
}

function fromWire(message: IceCandidateMessage): RTCIceCandidateInit {
  return {
    candidate: message.candidate,
    sdpMid: message.sdp_mid ?? null,
    sdpMLineIndex: message.sdp_mline_index ?? null,
    usernameFragment: message.username_fragment ?? null,
  };
}

import { closeStream } from './devices';

/** Carries the open devices from the page that tried them to the room, without a second prompt. */
export class Handover {
  private held: MediaStream | null = null;

  give(stream: MediaStream): void {
    closeStream(this.held);
    this.held = stream;
  }

  /** The stream, if all its devices still run; it is the caller's from here on. */
  take(): MediaStream | null {
    const stream = this.held;
    this.held = null;
    if (stream?.getTracks().every((t) => t.readyState === 'live')) return stream;
    closeStream(stream);
    return null;
  }
}

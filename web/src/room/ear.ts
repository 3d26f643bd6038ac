// What the page itself hears of its person, for one purpose: the voice that asks never talks over them.

/** Speech for this long within the window means that somebody talks, and not that a door fell shut. */
export const BARGE_IN_MS = 120;
const WINDOW_MS = 200;

/** After this much quiet nobody talks any more. */
export const QUIET_MS = 500;

/** As loud as speech near a microphone: -36 dBFS in the measure of levelOf. */
const SPEECH = 0.4;

/** And so much (9 dB) over what the room sounds like, the rest of the voice that the echo canceller left included. */
const OVER_FLOOR = 0.15;

/** A page that is busy looks less often: a level stands for no more than this. */
const LONGEST_MS = 60;

/** Tells talking from noise by loudness alone. Times are milliseconds of the caller's clock. */
export class Ear {
  private floor = 0.2;
  private last = -1;
  private loud: { at: number; ms: number }[] = [];
  private loudAt = Number.NEGATIVE_INFINITY;

  hear(level: number, now: number): void {
    const ms = this.last < 0 ? 0 : Math.min(Math.max(0, now - this.last), LONGEST_MS);
    this.last = now;
    if (level > Math.max(SPEECH, this.floor + OVER_FLOOR)) {
      this.loud.push({ at: now, ms });
      this.loudAt = now;
    }
    this.loud = this.loud.filter((l) => now - l.at < WINDOW_MS);
    // Down at once, up within seconds: pauses between words show what the room sounds like.
    const share = level < this.floor ? 0.2 : Math.min(1, ms / 8_000);
    this.floor += (level - this.floor) * share;
  }

  /** Somebody has begun to talk. */
  begun(): boolean {
    return this.loud.reduce((sum, l) => sum + l.ms, 0) >= BARGE_IN_MS;
  }

  /** Nobody has talked for a moment. */
  quiet(now: number): boolean {
    return now - this.loudAt >= QUIET_MS;
  }
}

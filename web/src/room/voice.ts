import type { RoomState } from './core';
import { Ear } from './ear';

const KEY = 'greenroom.voice';

/** What is to be said: a question of the plan, or one of its probes, counted from 1. */
export interface Asked {
  text: string;
  question: number;
  probe?: number;
  byModel?: boolean; // no text of the bank
}

/** What a way of speaking tells while it speaks; after stop it tells nothing. */
export interface Hearing {
  started: () => void;
  ended: () => void;
  failed: () => void; // nothing of it was heard, or not all
}

/** One way of saying a text aloud. It begins at once, tells nothing before it has returned, and stop ends it at once. */
export type Speaker = (asked: Asked, hearing: Hearing) => { stop: () => void };

/**
 * idle: nothing to say, or all was said. waiting: the person talks. starting: the sound is on its way.
 * stopped: the person talked or went on, or it must not be said now. silent: nothing here can speak. off: the person does not want it.
 */
export type VoiceState = 'idle' | 'waiting' | 'starting' | 'speaking' | 'stopped' | 'silent' | 'off';

export interface VoiceOptions {
  /** In the order in which they are tried. */
  speakers: (asked: Asked) => readonly Speaker[];
  /** The server's clocks stand while the voice speaks, and it does not take the voice for the person's. */
  tell: (speaking: boolean, interrupted: boolean) => void;
  store: Pick<Storage, 'getItem' | 'setItem'>;
  onState?: (state: VoiceState) => void;
  /** Nobody sees the page: nothing begins. */
  hidden: () => boolean;
}

/** Somebody who talks on and on reads the question instead. */
export const LONGEST_WAIT_MS = 4_000;

/** Says questions aloud, never over a talking person, and stops when they talk. */
export class RoomVoice {
  state: VoiceState;
  private readonly ear = new Ear();
  private silent: boolean;
  private now = 0;
  private waiting: { asked: Asked; since: number } | null = null;
  private saying: { stop: () => void } | null = null;
  private told = false;
  private linked = false;
  private lost = false; // a link that was there
  private byProgram = false;

  constructor(private readonly options: VoiceOptions) {
    this.silent = options.store.getItem(KEY) === 'off';
    this.state = this.silent ? 'off' : 'idle';
  }

  get muted(): boolean {
    return this.silent;
  }

  setMuted(muted: boolean): void {
    this.silent = muted;
    this.options.store.setItem(KEY, muted ? 'off' : 'on');
    this.end(muted ? 'off' : 'idle');
  }

  /**
   * Takes where the room stands. Without a link the server would take the voice for the person's; while a
   * program sends their sound, this page does not hear them and they could not stop the voice.
   */
  follow(room: Pick<RoomState, 'link' | 'program'>): void {
    const before = this.linked;
    this.linked = room.link === 'open';
    this.byProgram = room.program === 'sending';
    if (!this.linked || this.byProgram) this.stop();
    if (before && !this.linked) this.lost = true;
    if (this.linked && this.lost) {
      this.lost = false;
      this.options.tell(false, false); // what was told to the link that was lost may not have arrived
    }
  }

  /** Says what is asked, unless it is not wanted or must not be said now; whatever was being said stops. */
  say(asked: Asked): void {
    this.stop();
    if (this.silent) return;
    if (!this.mayBegin()) {
      this.become('stopped');
      return;
    }
    if (this.ear.quiet(this.now)) {
      this.begin(asked);
      return;
    }
    this.waiting = { asked, since: this.now };
    this.become('waiting');
  }

  /** Ends what is being said: the interview moved on, or nobody sees the page. */
  stop(): void {
    if (this.saying || this.waiting) this.end('stopped');
  }

  /** Takes the microphone's level, many times a second. */
  hear(level: number, now: number): void {
    this.ear.hear(level, now);
    this.now = now;
    if (this.saying && this.ear.begun()) this.end('stopped', true);
    if (!this.waiting) return;
    const { asked, since } = this.waiting;
    if (this.ear.quiet(now)) this.begin(asked);
    else if (now - since > LONGEST_WAIT_MS) this.end('stopped');
  }

  private mayBegin(): boolean {
    return this.linked && !this.byProgram && !this.options.hidden();
  }

  private begin(asked: Asked): void {
    this.waiting = null;
    if (!this.mayBegin()) {
      this.become('stopped');
      return;
    }
    this.become('starting');
    this.tell(true);
    this.tryNext(asked, [...this.options.speakers(asked)]);
  }

  private tryNext(asked: Asked, left: Speaker[]): void {
    const speaker = left.shift();
    if (!speaker) {
      this.end('silent');
      return;
    }
    let here = true;
    const whileHere = (act: () => void) => () => {
      if (here) act();
    };
    const saying = speaker(asked, {
      started: whileHere(() => this.become('speaking')),
      ended: whileHere(() => this.end('idle')),
      failed: whileHere(() => {
        // Half a question that broke off is not begun anew by another voice.
        if (this.state === 'speaking') return this.end('silent');
        here = false;
        saying.stop();
        this.tryNext(asked, left);
      }),
    });
    this.saying = {
      stop: () => {
        here = false;
        saying.stop();
      },
    };
  }

  private end(state: VoiceState, interrupted = false): void {
    this.waiting = null;
    this.saying?.stop();
    this.saying = null;
    this.tell(false, interrupted);
    this.become(state);
  }

  private tell(speaking: boolean, interrupted = false): void {
    if (this.told === speaking) return;
    this.told = speaking;
    this.options.tell(speaking, interrupted);
  }

  private become(state: VoiceState): void {
    if (this.state === state) return;
    this.state = state;
    this.options.onState?.(state);
  }
}

import { signal } from '@preact/signals';
import type { Rating } from '../api/types';

// What somebody rates themselves, kept above the panels that come and go, and sent in order: for each
// competency one request at a time, and the last value wins.

/** Arrow keys pass over levels nobody means: a level is sent once it stood this long. */
export const PAUSE_MS = 600;

/** Where a rating belongs. */
export interface Place {
  question: number;
  take: number;
  competency: string;
  revision: number; // of the answer's words that are shown
}

/** 0 stands for: the answer shows nothing about it. */
export type SendRating = (place: Place, level: number, why: string) => Promise<void>;

export type Saving = 'idle' | 'saving' | 'saved' | 'failed';

interface Said {
  level: number | null;
  why: string;
}

/** One person's rating of one competency in one answer. */
export class OwnRating {
  readonly level = signal<number | null>(null);
  readonly why = signal(''); // as it is typed; sent once it is left
  readonly state = signal<Saving>('idle');
  readonly error = signal<unknown>(null);
  touched = false;
  private wanted: Said;
  private kept: Said | null; // what the server has; null: nothing, or a failure left it unknown
  private pause: ReturnType<typeof setTimeout> | undefined;
  private sending: Promise<void> | null = null;

  constructor(
    readonly place: Place,
    readonly stored: Rating | null,
    private readonly send: SendRating,
  ) {
    const level = stored ? (stored.level ?? 0) : null;
    const why = stored?.why ?? '';
    this.wanted = { level, why };
    this.kept = stored ? this.wanted : null;
    this.level.value = level;
    this.why.value = why;
  }

  choose(level: number): void {
    this.touched = true;
    this.level.value = level;
    this.wanted = { ...this.wanted, level };
    this.state.value = 'saving';
    this.error.value = null;
    clearTimeout(this.pause);
    this.pause = setTimeout(() => void this.push(), PAUSE_MS);
  }

  write(why: string): void {
    this.touched = true;
    this.why.value = why;
  }

  /** The sentence, or all of it, is left: what is not stored yet is sent now. Resolves when nothing is under way. */
  async leave(): Promise<void> {
    this.wanted = { ...this.wanted, why: this.why.value.trim() };
    await this.push();
  }

  /** Whether the server does not have what is shown. */
  get unsaved(): boolean {
    const shown = { level: this.level.value, why: this.why.value.trim() };
    return shown.level !== null && !same(shown, this.kept);
  }

  /** A sentence is kept together with a level only. */
  get withoutLevel(): boolean {
    return this.level.value === null && this.why.value.trim() !== '';
  }

  private push(): Promise<void> {
    clearTimeout(this.pause);
    this.pause = undefined;
    if (this.sending) return this.sending; // what is under way sees the newest afterwards
    if (this.wanted.level === null) return Promise.resolve();
    if (same(this.wanted, this.kept)) this.state.value = this.touched ? 'saved' : 'idle';
    else this.sending = this.sendAll();
    return this.sending ?? Promise.resolve();
  }

  /** Sends until the server has what is wanted; what changed meanwhile and has stood is sent next. */
  private async sendAll(): Promise<void> {
    for (;;) {
      const { level, why } = this.wanted;
      if (level === null || same(this.wanted, this.kept)) break;
      this.state.value = 'saving';
      this.error.value = null;
      try {
        await this.send(this.place, level, why);
        this.kept = { level, why };
        if (this.pause === undefined) this.state.value = 'saved';
      } catch (cause) {
        this.kept = null; // it may have arrived all the same
        if (same(this.wanted, { level, why })) {
          this.state.value = 'failed';
          this.error.value = cause;
          break;
        }
      }
      if (this.pause !== undefined) break; // the newest has not stood yet: its own pause sends it
    }
    this.sending = null;
  }
}

/** All of them for one interview. */
export class OwnRatings {
  /** Nothing is rated any more while the form closes. */
  readonly closing = signal(false);
  private readonly all = new Map<string, OwnRating>();

  constructor(private readonly send: SendRating) {}

  /**
   * The rating of this place: what was done here, else what the server has. A level is of the words that it was
   * chosen for; where these were corrected it is chosen anew, and a sentence that is not stored stays.
   */
  of(place: Place, stored: Rating | null): OwnRating {
    const key = `${place.question}/${place.take}/${place.competency}`;
    const known = this.all.get(key);
    const sameWords = known?.place.revision === place.revision;
    if (known && sameWords && (known.touched || known.stored === stored)) return known;
    const rating = new OwnRating(place, stored, this.send);
    if (known && !sameWords && (known.unsaved || known.withoutLevel)) rating.write(known.why.value);
    this.all.set(key, rating);
    return rating;
  }

  /** Sends all that waits. Afterwards only what failed is unsaved. */
  async settle(): Promise<void> {
    await Promise.all([...this.all.values()].map((rating) => rating.leave()));
  }

  /** The questions of which something is not stored; of which a sentence has no level. */
  unsaved(): number[] {
    return this.questions((rating) => rating.unsaved);
  }

  withoutLevel(): number[] {
    return this.questions((rating) => rating.withoutLevel);
  }

  private questions(which: (rating: OwnRating) => boolean): number[] {
    const some = [...this.all.values()].filter(which).map((rating) => rating.place.question);
    return [...new Set(some)].sort((a, b) => a - b);
  }
}

/** Why a form did not close. */
export type NotClosed = { why: 'unsaved' | 'without_level'; questions: number[] };

/** Closes the form once everything is stored; null: it is closed, and nothing is rated any more. */
export async function closeForm(ratings: OwnRatings, close: () => Promise<void>): Promise<NotClosed | null> {
  ratings.closing.value = true;
  let closed = false;
  try {
    await ratings.settle();
    const unsaved = ratings.unsaved();
    if (unsaved.length > 0) return { why: 'unsaved', questions: unsaved };
    const bare = ratings.withoutLevel();
    if (bare.length > 0) return { why: 'without_level', questions: bare };
    await close();
    closed = true;
    return null;
  } finally {
    ratings.closing.value = closed;
  }
}

function same(a: Said, b: Said | null): boolean {
  return b !== null && a.level === b.level && a.why === b.why;
}

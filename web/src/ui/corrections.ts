import { signal } from '@preact/signals';
import type { CorrectedLine, Line } from '../api/types';
import { lineText } from '../views/report-model';
import { wordsIn } from '../views/word-difference';

// What a candidate corrects, kept above the panels that come and go: nothing that was typed is lost by looking at
// another question, by a failure, or by results that arrive meanwhile.

/** The corrections of the lines of one answer, as they were when it was opened. */
export class Correction {
  readonly texts = signal<readonly string[]>([]);
  readonly busy = signal(false);
  readonly error = signal<unknown>(null);

  constructor(readonly lines: readonly Line[]) {
    this.texts.value = lines.map(lineText);
  }

  write(place: number, text: string): void {
    this.texts.value = this.texts.value.map((old, i) => (i === place ? text : old));
  }

  isChanged(place: number): boolean {
    const line = this.lines[place];
    return line !== undefined && wordsIn(this.texts.value[place] ?? '').join(' ') !== lineText(line);
  }

  get changed(): CorrectedLine[] {
    return this.lines.flatMap((line, place) =>
      this.isChanged(place)
        ? [
            {
              epoch: line.epoch,
              sequence: line.sequence,
              revision: line.revision,
              text: wordsIn(this.texts.value[place] ?? '').join(' '),
            },
          ]
        : [],
    );
  }
}

/** Those that are open, by what they are about. */
export class Corrections {
  private readonly opened = signal<ReadonlyMap<string, Correction>>(new Map());

  constructor(private readonly send: (lines: CorrectedLine[]) => Promise<void>) {}

  of(about: string): Correction | null {
    return this.opened.value.get(about) ?? null;
  }

  open(about: string, lines: readonly Line[]): void {
    this.opened.value = new Map(this.opened.value).set(about, new Correction(lines));
  }

  cancel(about: string): void {
    const rest = new Map(this.opened.value);
    rest.delete(about);
    this.opened.value = rest;
  }

  /** Reports whether it was stored; if not, what was typed stays, with the reason. */
  async save(about: string): Promise<boolean> {
    const correction = this.of(about);
    if (!correction || correction.busy.value) return false;
    correction.busy.value = true;
    correction.error.value = null;
    try {
      await this.send(correction.changed);
      this.cancel(about);
      return true;
    } catch (error) {
      correction.error.value = error;
      return false;
    } finally {
      correction.busy.value = false;
    }
  }
}

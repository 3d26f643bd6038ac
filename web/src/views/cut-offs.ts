import type { Authorization, CutOff, Viewer } from '../api/types';

const keyOf = (c: CutOff) => JSON.stringify([c.at, c.org_name, c.stream]);

/** Which cut-offs a page was there for: those that were not known when it was opened. */
export class FreshCutOffs {
  private known: ReadonlySet<string> | null = null;

  of(list: readonly CutOff[]): CutOff[] {
    this.known ??= new Set(list.map(keyOf));
    const known = this.known;
    return list.filter((c) => !known.has(keyOf(c)));
  }
}

/** Who has something open, apart by whether they still may: the others are about to be cut off. */
export function splitViewers(list: readonly Viewer[], standing: readonly Authorization[]) {
  const may = new Set(standing.filter((a) => a.state === 'granted').map((a) => a.org_name));
  return { open: list.filter((v) => may.has(v.org_name)), closing: list.filter((v) => !may.has(v.org_name)) };
}

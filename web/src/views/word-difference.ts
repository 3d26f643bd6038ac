/** A run of words that stays, or what stands in a place and what is to stand there; either may be missing. */
export interface Change {
  kept?: string;
  was?: string;
  now?: string;
}

export function wordsIn(text: string): string[] {
  return text.split(/\s+/).filter(Boolean);
}

/** What is typed beside what is there, word by word: the longest run of words that both have stays. */
export function differenceOf(before: string, after: string): Change[] {
  const was = wordsIn(before);
  const now = wordsIn(after);
  const lengths = common(was, now);
  const at = (i: number, j: number) => lengths[i * (now.length + 1) + j] ?? 0;
  const changes: Change[] = [];
  let i = 0;
  let j = 0;
  while (i < was.length || j < now.length) {
    const fromI = i;
    const fromJ = j;
    while (i < was.length && j < now.length && was[i] === now[j]) {
      i++;
      j++;
    }
    if (i > fromI) {
      changes.push({ kept: was.slice(fromI, i).join(' ') });
      continue;
    }
    while ((i < was.length || j < now.length) && !(i < was.length && j < now.length && was[i] === now[j])) {
      if (j >= now.length || (i < was.length && at(i + 1, j) >= at(i, j + 1))) i++;
      else j++;
    }
    const gone = was.slice(fromI, i).join(' ');
    const come = now.slice(fromJ, j).join(' ');
    changes.push({ ...(gone && { was: gone }), ...(come && { now: come }) });
  }
  return changes;
}

/** How many words the ends of both have in common, from each place on. */
function common(was: readonly string[], now: readonly string[]): Uint16Array {
  const width = now.length + 1;
  const lengths = new Uint16Array((was.length + 1) * width);
  const at = (i: number, j: number) => lengths[i * width + j] ?? 0;
  for (let i = was.length - 1; i >= 0; i--)
    for (let j = now.length - 1; j >= 0; j--)
      lengths[i * width + j] =
        was[i] === now[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
  return lengths;
}

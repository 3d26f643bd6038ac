import type { Paragraph } from '../api/types';

export interface ShownParagraph {
  change: Paragraph['change'];
  heading: boolean;
  text: string;
}

/** What changed in a notice, each under the heading it stands under; what stayed the same is left out. */
export function changedParts(paragraphs: readonly Paragraph[]): ShownParagraph[] {
  const shown: ShownParagraph[] = [];
  let above: ShownParagraph | null = null;
  for (const { change, text } of paragraphs) {
    const heading = text.startsWith('# ');
    const part = { change, heading, text: heading ? text.slice(2) : text };
    if (change === 'same') {
      if (heading) above = part;
      continue;
    }
    if (above && !heading) shown.push(above);
    above = null;
    shown.push(part);
  }
  return shown;
}

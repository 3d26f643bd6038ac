import { describe, expect, it } from 'vitest';
import type { Paragraph } from '../api/types';
import { changedParts } from './notice-changes';

const marks = { '=': 'same', '+': 'added', '-': 'removed' } as const;

function paragraphs(...lines: string[]): Paragraph[] {
  return lines.map((line) => {
    const [mark = '', text = ''] = [line[0], line.slice(1)];
    return { change: marks[mark as keyof typeof marks], text };
  });
}

const short = (...lines: string[]) =>
  changedParts(paragraphs(...lines)).map((p) => `${p.change} ${p.heading ? 'heading ' : ''}${p.text}`);

describe('what changed in a notice', () => {
  it('stands under its heading, once, and what stayed is left out', () => {
    expect(short('=# A', '=one', '=# B', '=two', '-three', '+3', '=four', '=# C', '=five')).toEqual([
      'same heading B',
      'removed three',
      'added 3',
    ]);
  });

  it('can be a heading itself', () => {
    expect(short('=# A', '=one', '-# B', '+# C', '+two')).toEqual([
      'removed heading B',
      'added heading C',
      'added two',
    ]);
  });

  it('can be nothing, and everything', () => {
    expect(short('=# A', '=one')).toEqual([]);
    expect(short('+# A', '+one')).toEqual(['added heading A', 'added one']);
  });
});

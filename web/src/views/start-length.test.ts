import { describe, expect, it } from 'vitest';
import { start } from '../text';
import { lengthFor } from './start-length';

const role = {
  usual: { questions: 4, minutes: 11 },
  lengths: [2, 3, 4, 5].map((questions) => ({ questions, minutes: 3 * questions - 1 })),
};

describe('the length of an interview', () => {
  it('is what was chosen where the role has it, and the usual otherwise', () => {
    expect(lengthFor(role, 'practice', 2)).toEqual({ questions: 2, minutes: 5 });
    expect(lengthFor(role, 'practice', 0)).toEqual(role.usual);
    expect(lengthFor(role, 'practice', 8)).toEqual(role.usual);
  });

  it('is the same for everyone in an exam', () => {
    for (const wanted of [0, 2, 5, 8]) expect(lengthFor(role, 'exam', wanted)).toEqual(role.usual);
  });
});

describe('what will happen', () => {
  it('is told in five lines that name the length', () => {
    for (const mode of ['practice', 'exam'] as const) {
      const lines = start.steps[mode](6, 17, 3);
      expect(lines).toHaveLength(5);
      expect(lines.join(' ')).toMatch(/\b6 questions/);
      expect(lines.join(' ')).toMatch(/\b17 minutes/);
      expect(lines.join(' ').includes('3 times')).toBe(mode === 'practice');
    }
  });
});

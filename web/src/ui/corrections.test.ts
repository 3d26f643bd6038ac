import { expect, test } from 'vitest';
import type { CorrectedLine, Line } from '../api/types';
import { Corrections } from './corrections';

function line(sequence: number, text: string): Line {
  const words = text.split(' ').map((word) => ({ text: word, start_ms: 0, end_ms: 1 }));
  return {
    epoch: 1,
    sequence,
    revision: 2,
    start_ms: 0,
    end_ms: 1000,
    engine: 'e',
    interpolated: true,
    words,
  };
}

test('only lines that were changed are sent, as they were when it was opened', async () => {
  const sent: CorrectedLine[][] = [];
  const corrections = new Corrections(async (lines) => void sent.push(lines));
  corrections.open('0-1', [line(1, 'we moved cough car'), line(2, 'to it'), line(3, 'um')]);
  const open = corrections.of('0-1');
  open?.write(0, ' we moved  Kafka');
  open?.write(1, 'to it ');
  open?.write(2, '');
  expect(open?.isChanged(1)).toBe(false);
  expect(await corrections.save('0-1')).toBe(true);
  expect(sent).toEqual([
    [
      { epoch: 1, sequence: 1, revision: 2, text: 'we moved Kafka' },
      { epoch: 1, sequence: 3, revision: 2, text: '' },
    ],
  ]);
  expect(corrections.of('0-1')).toBeNull();
});

test('what could not be saved stays, and can be saved again or cancelled', async () => {
  let fails = true;
  const corrections = new Corrections(async () => {
    if (fails) throw new Error('away');
  });
  corrections.open('0-1', [line(1, 'one')]);
  corrections.open('1-1', [line(2, 'two')]);
  corrections.of('0-1')?.write(0, 'won');
  expect(await corrections.save('0-1')).toBe(false);
  expect(corrections.of('0-1')?.texts.value).toEqual(['won']);
  expect(corrections.of('0-1')?.error.value).toBeInstanceOf(Error);
  corrections.cancel('1-1');
  expect(corrections.of('1-1')).toBeNull();
  fails = false;
  expect(await corrections.save('0-1')).toBe(true);
  expect(await corrections.save('0-1')).toBe(false);
});

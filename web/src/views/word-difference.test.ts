import { expect, test } from 'vitest';
import { differenceOf } from './word-difference';

test.each([
  [
    'we moved cough car to it',
    'we moved Kafka to it now',
    [{ kept: 'we moved' }, { was: 'cough car', now: 'Kafka' }, { kept: 'to it' }, { now: 'now' }],
  ],
  ['the end', 'the  end ', [{ kept: 'the end' }]],
  ['nobody spoke', '', [{ was: 'nobody spoke' }]],
  ['', 'yes', [{ now: 'yes' }]],
  ['', ' ', []],
  ['a b a b', 'b a b a', [{ was: 'a' }, { kept: 'b a b' }, { now: 'a' }]],
])('from %j to %j', (was, now, want) => {
  expect(differenceOf(was, now)).toEqual(want);
});

test('nothing is lost, whatever changes', () => {
  const words = ['so', 'we', 'did', 'it', 'twice'];
  let seed = 7;
  const next = (n: number) => {
    seed = (seed * 1103515245 + 12345) % 2147483648;
    return seed % n;
  };
  const text = () => Array.from({ length: next(9) }, () => words[next(words.length)]).join(' ');
  for (let round = 0; round < 300; round++) {
    const [was, now] = [text(), text()];
    const changes = differenceOf(was, now);
    expect(
      changes
        .map((c) => c.kept ?? c.was ?? '')
        .filter(Boolean)
        .join(' '),
    ).toBe(was);
    expect(
      changes
        .map((c) => c.kept ?? c.now ?? '')
        .filter(Boolean)
        .join(' '),
    ).toBe(now);
  }
});

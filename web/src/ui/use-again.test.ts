import { h, render } from 'preact';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { useLoad } from './load';
import { useAgain } from './use-again';

const EVERY_MS = 500;
const root = { nodeType: 1, childNodes: [], firstChild: null } as unknown as HTMLElement;
const page = Object.assign(new EventTarget(), { hidden: false });

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal('document', page);
});
afterEach(async () => {
  render(null, root);
  await vi.advanceTimersByTimeAsync(200); // what is queued for the page would wait for these timers for ever
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

/** Loads on and on from a server that answers when it is told to. It shows nothing, so it needs no real page. */
function polling() {
  const asked: { signal: AbortSignal; answer: (value: string) => void; fail: () => void }[] = [];
  const Poll = () => {
    const load = useLoad(
      (signal) =>
        new Promise<string>((answer, reject) => {
          asked.push({ signal, answer, fail: () => reject(new Error('away')) });
        }),
      'key',
    );
    useAgain(load, load.value !== 'done', EVERY_MS);
    return null;
  };
  render(h(Poll, {}), root);
  return asked;
}

/** Long enough for the page to show what it was told, and too short for a round. */
const settle = () => vi.advanceTimersByTimeAsync(200);

it('a slow line is waited for, round by round, until it is done', async () => {
  const asked = polling();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(asked).toHaveLength(1);
  for (let round = 1; round <= 3; round++) {
    asked.at(-1)?.answer('under way');
    await settle();
    expect(asked).toHaveLength(round);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(asked).toHaveLength(round + 1);
  }
  expect(asked.at(-1)?.signal.aborted).toBe(false);
  asked.at(-1)?.answer('done');
  await vi.advanceTimersByTimeAsync(60_000);
  expect(asked).toHaveLength(4);
});

it('an answer at once is asked after again too', async () => {
  const asked = polling();
  await settle();
  asked[0]?.answer('under way');
  for (let i = 0; i < 30; i++) {
    await vi.advanceTimersByTimeAsync(100);
    asked.at(-1)?.answer('under way');
  }
  expect(asked.length).toBeGreaterThan(3);
});

it('a fault is asked after more and more seldom', async () => {
  const asked = polling();
  await settle();
  for (const wait of [1_000, 2_000, 4_000]) {
    const n = asked.length;
    asked.at(-1)?.fail();
    await vi.advanceTimersByTimeAsync(wait - 100);
    expect(asked).toHaveLength(n);
    await vi.advanceTimersByTimeAsync(400);
    expect(asked).toHaveLength(n + 1);
  }
});

it('a page that nobody sees asks nothing', async () => {
  const asked = polling();
  await settle();
  asked[0]?.answer('under way');
  page.hidden = true;
  await vi.advanceTimersByTimeAsync(3_600_000);
  expect(asked).toHaveLength(1);
  page.hidden = false;
  page.dispatchEvent(new Event('visibilitychange'));
  await settle();
  expect(asked).toHaveLength(2);
});

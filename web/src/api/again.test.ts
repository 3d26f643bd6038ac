import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { FaultCount, gathered, waitMs, whenSeen } from './again';

class FakePage extends EventTarget {
  hidden = false;

  show(shown: boolean) {
    this.hidden = !shown;
    this.dispatchEvent(new Event('visibilitychange'));
  }
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe('whenSeen', () => {
  it('acts once, after the wait', () => {
    const page = new FakePage();
    const act = vi.fn();
    whenSeen(act, 500, page);
    vi.advanceTimersByTime(499);
    expect(act).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    page.show(true);
    vi.advanceTimersByTime(60_000);
    expect(act).toHaveBeenCalledOnce();
  });

  it('waits for a hidden page to be shown again', () => {
    const page = new FakePage();
    const act = vi.fn();
    page.show(false);
    whenSeen(act, 500, page);
    vi.advanceTimersByTime(3_600_000);
    page.show(false);
    expect(act).not.toHaveBeenCalled();
    page.show(true);
    page.show(false);
    page.show(true);
    expect(act).toHaveBeenCalledOnce();
  });

  it('is called off before the wait and after it', () => {
    const page = new FakePage();
    const act = vi.fn();
    whenSeen(act, 500, page)();
    page.show(false);
    const callOff = whenSeen(act, 500, page);
    vi.advanceTimersByTime(1_000);
    callOff();
    page.show(true);
    vi.advanceTimersByTime(1_000);
    expect(act).not.toHaveBeenCalled();
  });
});

describe('gathered', () => {
  it('makes one of what comes together, or to a hidden page, and nothing after the end', () => {
    const page = new FakePage();
    const act = vi.fn();
    const leaving = new AbortController();
    const ask = gathered(act, 300, leaving.signal, page);
    ask();
    vi.advanceTimersByTime(200);
    ask();
    vi.advanceTimersByTime(300);
    expect(act).toHaveBeenCalledTimes(1);
    page.show(false);
    for (let i = 0; i < 3; i++) {
      ask();
      vi.advanceTimersByTime(1_000);
    }
    expect(act).toHaveBeenCalledTimes(1);
    page.show(true);
    expect(act).toHaveBeenCalledTimes(2);
    ask();
    leaving.abort();
    ask();
    vi.advanceTimersByTime(1_000);
    expect(act).toHaveBeenCalledTimes(2);
  });
});

describe('faults', () => {
  it('lengthen the wait up to a minute', () => {
    expect([0, 1, 2, 3, 50].map((n) => waitMs(1_000, n))).toEqual([1_000, 2_000, 4_000, 8_000, 60_000]);
  });

  it('are counted in a row, each once', () => {
    const count = new FaultCount();
    const [a, b] = [new Error('a'), new Error('b')];
    expect([null, a, a, b, null, b].map((e) => count.of(e))).toEqual([0, 1, 1, 2, 0, 1]);
  });
});

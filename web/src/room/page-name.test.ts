import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Locks } from './page-name';
import { HANDOVER_MS, PageName } from './page-name';

/** One tab's storage, which a reload and a duplicate of the tab keep. */
class FakeStorage {
  readonly values = new Map<string, string>();
  getItem(key: string): string | null {
    return this.values.get(key) ?? null;
  }
  setItem(key: string, value: string): void {
    this.values.set(key, value);
  }
}

/** The browser's locks as several pages see them; a page that goes gives its own back. */
class FakeLocks {
  private readonly held = new Map<string, object>();
  private readonly waiting: (() => void)[] = [];

  of(page: object): Locks {
    return {
      request: (name, { signal }, held) =>
        new Promise((_, reject) => {
          let taken = false;
          const take = () => {
            if (taken || signal.aborted || this.held.has(name)) return;
            taken = true;
            this.held.set(name, page);
            void held();
          };
          signal.addEventListener('abort', () => reject(new Error('aborted')));
          this.waiting.push(take);
          take();
        }),
    };
  }

  gone(page: object): void {
    for (const [name, holder] of this.held) if (holder === page) this.held.delete(name);
    for (const take of this.waiting) take();
  }
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function setUp() {
  let count = 0;
  const locks = new FakeLocks();
  const storage = new FakeStorage();
  const page = (id: object, tab = storage) => new PageName(tab, locks.of(id), () => `page-number-${++count}`);
  return { locks, storage, page };
}

async function nameOf(page: PageName): Promise<string> {
  const name = page.name();
  await vi.advanceTimersByTimeAsync(HANDOVER_MS);
  return name;
}

describe('the name of a page', () => {
  it('stays the same while the page lives', async () => {
    const { page } = setUp();
    const first = page({});
    expect([await nameOf(first), await nameOf(first)]).toEqual(['page-number-1', 'page-number-1']);
  });

  it('stays the same over a reload, also while the page before is still going', async () => {
    const { page, locks } = setUp();
    const before = {};
    await nameOf(page(before));
    const after = page({}).name();
    await vi.advanceTimersByTimeAsync(HANDOVER_MS / 2);
    locks.gone(before);
    await vi.advanceTimersByTimeAsync(0);
    expect(await after).toBe('page-number-1');
  });

  it('is another one in a duplicate of the tab, which has the same storage', async () => {
    const { page } = setUp();
    await nameOf(page({}));
    expect(await nameOf(page({}))).toBe('page-number-2');
  });

  it('is another one in another tab', async () => {
    const { page } = setUp();
    await nameOf(page({}));
    expect(await nameOf(page({}, new FakeStorage()))).toBe('page-number-2');
  });

  it('does without locks and without storage', async () => {
    const storage = new FakeStorage();
    expect(await new PageName(storage, undefined, () => 'a').name()).toBe('a');
    expect(await new PageName(storage, undefined, () => 'b').name()).toBe('a');
    const broken = {
      getItem: () => {
        throw new Error('off');
      },
      setItem: () => {
        throw new Error('off');
      },
    };
    expect(await new PageName(broken, undefined, () => 'c').name()).toBe('c');
    expect(await new PageName(storage, undefined).name()).toMatch(/^[a-z0-9]{1,64}$/);
  });
});

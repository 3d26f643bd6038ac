// The page's name for itself: the server takes a connection of the same name for the same page, reloaded
// or reconnected, and asks nothing. It opens nothing: who may join, the log-in and the ticket say.

const KEY = 'greenroom.page';

/** How long a page that is going away may hold its name while the one after it comes up. */
export const HANDOVER_MS = 1_000;

/** The part of the browser's lock manager that is used here. */
export interface Locks {
  request(name: string, options: { signal: AbortSignal }, held: () => Promise<void>): Promise<void>;
}

/**
 * Keeps the name in the tab's session storage, which a reload keeps. A tab that was duplicated has the
 * storage too: a lock that lives as long as the page finds that out, and the copy names itself anew.
 */
export class PageName {
  private held = '';

  constructor(
    private readonly storage: Pick<Storage, 'getItem' | 'setItem'>,
    private readonly locks: Locks | undefined,
    private readonly random: () => string = randomName,
  ) {}

  async name(): Promise<string> {
    if (this.held) return this.held;
    const known = this.read();
    if (known && (await this.hold(known))) return known;
    const fresh = this.random();
    await this.hold(fresh);
    this.held = fresh;
    this.write(fresh);
    return fresh;
  }

  private async hold(name: string): Promise<boolean> {
    if (this.locks && !(await this.lock(this.locks, name))) return false;
    this.held = name;
    return true;
  }

  private lock(locks: Locks, name: string): Promise<boolean> {
    const waiting = new AbortController();
    const timer = setTimeout(() => waiting.abort(), HANDOVER_MS);
    return new Promise((resolve) => {
      const untilThePageGoes = () => {
        clearTimeout(timer);
        resolve(true);
        return new Promise<void>(() => undefined);
      };
      locks
        .request(`greenroom.page.${name}`, { signal: waiting.signal }, untilThePageGoes)
        .catch(() => resolve(false));
    });
  }

  private read(): string {
    try {
      return this.storage.getItem(KEY) ?? '';
    } catch {
      return ''; // storage is switched off: a reload is asked then, no more
    }
  }

  private write(name: string): void {
    try {
      this.storage.setItem(KEY, name);
    } catch {
      // as above
    }
  }
}

function randomName(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (b) => b.toString(16).padStart(2, '0')).join('');
}

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { failure as words } from '../text';
import { ApiError, Client, isAbort } from './client';
import { captionsUrl, endpoints, eventsUrl, recordingUrl } from './endpoints';
import type { EventSourceLike } from './events';
import { listen } from './events';

interface Seen {
  url: string;
  method: string | undefined;
  body: unknown;
}

function server(...answers: (Response | Error)[]) {
  const seen: Seen[] = [];
  const fetch = ((url: string, init?: RequestInit) => {
    seen.push({
      url,
      method: init?.method,
      body: typeof init?.body === 'string' ? JSON.parse(init.body) : undefined,
    });
    const answer = answers.shift() ?? new Response(null, { status: 500 });
    return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
  }) as typeof globalThis.fetch;
  return { fetch, seen };
}

const json = (body: unknown, init: ResponseInit = {}) => new Response(JSON.stringify(body), init);
const problem = (status: number, body: unknown, headers: Record<string, string> = {}) =>
  new Response(JSON.stringify(body), {
    status,
    headers: { 'Content-Type': 'application/problem+json', ...headers },
  });

async function failure(promise: Promise<unknown>): Promise<ApiError> {
  try {
    await promise;
  } catch (cause) {
    if (cause instanceof ApiError) return cause;
    throw cause;
  }
  throw new Error('want a failure');
}

describe('Client', () => {
  it('sends JSON and returns what comes back', async () => {
    const { fetch, seen } = server(json({ allowed: true, minimum_age: 16 }));
    const api = endpoints(new Client({ fetch }));
    expect(await api.checkAge('2000-01-02')).toEqual({ allowed: true, minimum_age: 16 });
    expect(seen).toEqual([{ url: '/api/v1/age-check', method: 'POST', body: { birth_date: '2000-01-02' } }]);
  });

  it('escapes what goes into an address', async () => {
    const { fetch, seen } = server(new Response(null, { status: 204 }));
    await endpoints(new Client({ fetch })).rateSelf('a/b', 1, 2, 'c d', 3);
    expect(seen[0]).toEqual({
      url: '/api/v1/sessions/a%2Fb/answers/1/2/self-ratings/c%20d',
      method: 'PUT',
      body: { level: 3 },
    });
  });

  it("carries the server's words, the next step and the wait", async () => {
    const { fetch } = server(
      problem(429, { detail: 'Too many tries.', next: 'Wait a little.' }, { 'Retry-After': '30' }),
    );
    const error = await failure(endpoints(new Client({ fetch })).logIn('a@b.c', 'x', ''));
    expect(error).toMatchObject({
      status: 429,
      message: 'Too many tries.',
      next: 'Wait a little.',
      retryAfterS: 30,
    });
  });

  it.each([
    ['an empty body', new Response('', { status: 502 })],
    ['HTML', new Response('<h1>Bad gateway</h1>', { status: 502 })],
    ['another shape', problem(502, { detail: 7 })],
    ['null', problem(502, null)],
  ])('has words of its own for %s', async (_, answer) => {
    const { fetch } = server(answer);
    const error = await failure(new Client({ fetch }).get('me'));
    expect(error.status).toBe(502);
    expect(error.message).toContain('could not');
  });

  it('says that the server was not reached', async () => {
    const { fetch } = server(new TypeError('Failed to fetch'));
    const client = new Client({ fetch });
    const error = await failure(client.get('me'));
    expect([error.status, error.message]).toEqual([0, words.offline.detail]);
  });

  it('does not say that nothing was changed where only the answer may be lost', async () => {
    const { fetch } = server(new TypeError('Failed to fetch'));
    const error = await failure(new Client({ fetch }).put('me', {}));
    expect([error.status, error.message]).toEqual([0, words.unanswered.detail]);
  });

  it('does not say so either where the network goes after the request was sent', async () => {
    const network = { onLine: true };
    vi.stubGlobal('navigator', network);
    const lost = () => {
      network.onLine = false;
      return Promise.reject(new TypeError('Failed to fetch'));
    };
    const error = await failure(new Client({ fetch: lost }).put('me', {}));
    expect(error.message).toBe(words.unanswered.detail);
    expect((await failure(new Client({ fetch: lost }).put('me', {}))).message).toBe(words.offline.detail);
    vi.unstubAllGlobals();
  });

  it('lets go quietly when the page is left', async () => {
    const leaving = new AbortController();
    leaving.abort();
    const { fetch } = server(new DOMException('gone', 'AbortError'));
    const cause = await new Client({ fetch }).get('me', { signal: leaving.signal }).catch((e: unknown) => e);
    expect(isAbort(cause)).toBe(true);
  });
});

describe('an expired log-in', () => {
  const expired = () => problem(401, { detail: 'You are not logged in.' });

  it('asks once to log in and repeats the request as it was', async () => {
    const { fetch, seen } = server(expired(), json({ id: 's' }));
    const logInAgain = vi.fn().mockResolvedValue(true);
    const api = endpoints(new Client({ fetch, logInAgain }));
    expect(await api.startSession({ role: 'swe', mode: 'exam' })).toEqual({ id: 's' });
    expect(logInAgain).toHaveBeenCalledOnce();
    expect(seen[1]).toEqual(seen[0]);
  });

  it('gives the refusal back when the person gives up, and does not ask twice', async () => {
    const giveUp = server(expired());
    expect(
      (await failure(new Client({ fetch: giveUp.fetch, logInAgain: async () => false }).get('x'))).status,
    ).toBe(401);
    const twice = server(expired(), expired());
    const logInAgain = vi.fn().mockResolvedValue(true);
    expect((await failure(new Client({ fetch: twice.fetch, logInAgain }).get('x'))).status).toBe(401);
    expect(logInAgain).toHaveBeenCalledOnce();
  });

  it('is an ordinary answer to the log-in itself', async () => {
    const { fetch } = server(expired());
    const logInAgain = vi.fn().mockResolvedValue(true);
    await failure(endpoints(new Client({ fetch, logInAgain })).logIn('a', 'b', ''));
    expect(logInAgain).not.toHaveBeenCalled();
  });
});

describe('a proof of who it is', () => {
  const unconfirmed = () =>
    problem(403, { type: 'urn:greenroom:confirm', detail: 'This needs a fresh proof.' });
  const share = { org_id: 'o', purpose: 'hiring' as const, scopes: [], valid_until: '2026-01-01' };

  it('is asked for once, and the request is repeated as it was', async () => {
    const { fetch, seen } = server(unconfirmed(), json({ id: 'a' }));
    const confirm = vi.fn().mockResolvedValue(true);
    expect(await endpoints(new Client({ fetch, confirm })).authorize('s', share)).toEqual({ id: 'a' });
    expect(confirm).toHaveBeenCalledOnce();
    expect(seen[1]).toEqual(seen[0]);
  });

  it('is given up with the refusal, and is not asked for twice', async () => {
    const giveUp = server(unconfirmed());
    const refused = await failure(new Client({ fetch: giveUp.fetch, confirm: async () => false }).post('x'));
    expect(refused).toMatchObject({ status: 403, type: 'urn:greenroom:confirm' });
    const twice = server(unconfirmed(), unconfirmed());
    const confirm = vi.fn().mockResolvedValue(true);
    expect((await failure(new Client({ fetch: twice.fetch, confirm }).post('x'))).status).toBe(403);
    expect(confirm).toHaveBeenCalledOnce();
  });

  it('is not asked for at another refusal', async () => {
    const { fetch } = server(problem(403, { detail: 'Not from here.' }));
    const confirm = vi.fn().mockResolvedValue(true);
    expect((await failure(new Client({ fetch, confirm }).post('x'))).message).toBe('Not from here.');
    expect(confirm).not.toHaveBeenCalled();
  });
});

describe('addresses of media', () => {
  it('name a frozen snapshot', () => {
    expect(recordingUrl('shared', 'a b', 12)).toBe('/api/v1/shared/a%20b/recording.webm?through=12');
    expect(captionsUrl('sessions', 'a')).toBe('/api/v1/sessions/a/captions.vtt');
    expect(eventsUrl('shared', 'a')).toBe('/api/v1/shared/a/events');
  });
});

class FakeSource extends EventTarget implements EventSourceLike {
  readyState = 1;
  closed = false;
  close() {
    this.closed = true;
  }
  refuse() {
    this.readyState = 2;
    this.dispatchEvent(new Event('error'));
  }
}

describe('listen', () => {
  beforeEach(() => {
    vi.useFakeTimers();
    vi.stubGlobal('document', Object.assign(new EventTarget(), { hidden: false }));
  });
  afterEach(() => {
    vi.useRealTimers();
    vi.unstubAllGlobals();
  });

  function setUp() {
    const sources: FakeSource[] = [];
    const leaving = new AbortController();
    const heard = vi.fn();
    const refused = vi.fn();
    listen('/e', leaving.signal, { results: heard }, refused, () => {
      const source = new FakeSource();
      sources.push(source);
      return source;
    });
    return { sources, leaving, heard, refused };
  }

  it('hands events over until the page is left', () => {
    const { sources, leaving, heard } = setUp();
    sources[0]?.dispatchEvent(new Event('results'));
    sources[0]?.dispatchEvent(new Event('other'));
    expect(heard).toHaveBeenCalledOnce();
    leaving.abort();
    expect(sources[0]?.closed).toBe(true);
  });

  it('leaves a lost stream to the browser, and comes back itself after a refusal', () => {
    const { sources, leaving, refused } = setUp();
    sources[0]?.dispatchEvent(new Event('error'));
    vi.advanceTimersByTime(60_000);
    expect(sources).toHaveLength(1);
    sources[0]?.refuse();
    expect(refused).toHaveBeenCalledOnce();
    vi.advanceTimersByTime(5_000);
    expect(sources).toHaveLength(2);
    sources[1]?.refuse();
    leaving.abort();
    vi.advanceTimersByTime(60_000);
    expect(sources).toHaveLength(2);
  });

  it('comes back more and more seldom while it is refused, until it was open again', () => {
    const { sources } = setUp();
    for (const wait of [5_000, 10_000, 20_000, 40_000, 60_000, 60_000]) {
      const n = sources.length;
      sources.at(-1)?.refuse();
      vi.advanceTimersByTime(wait - 1);
      expect(sources).toHaveLength(n);
      vi.advanceTimersByTime(1);
      expect(sources).toHaveLength(n + 1);
    }
    sources.at(-1)?.dispatchEvent(new Event('open'));
    sources.at(-1)?.refuse();
    vi.advanceTimersByTime(5_000);
    expect(sources).toHaveLength(8);
  });

  it('does not come back to a page that nobody sees', () => {
    const { sources } = setUp();
    Object.assign(document, { hidden: true });
    sources[0]?.refuse();
    vi.advanceTimersByTime(3_600_000);
    expect(sources).toHaveLength(1);
    Object.assign(document, { hidden: false });
    document.dispatchEvent(new Event('visibilitychange'));
    expect(sources).toHaveLength(2);
  });
});

// One place that talks to the server. Failures come as ApiError with words a person can read.

import { failure } from '../text';

/** The types of problems that a page does something about by itself. */
export const problemTypes = {
  confirm: 'urn:greenroom:confirm',
  code: 'urn:greenroom:code', // the password is right; a code is needed too
};

/** An RFC 9457 problem as the server writes it. */
export interface Problem {
  status: number;
  type?: string;
  detail: string;
  next?: string;
  retryAfterS?: number;
}

export class ApiError extends Error {
  override name = 'ApiError';
  readonly status: number; // 0: the server was not reached
  readonly type: string | undefined;
  readonly next: string | undefined;
  readonly retryAfterS: number | undefined;

  constructor(problem: Problem) {
    super(problem.detail);
    this.status = problem.status;
    this.type = problem.type;
    this.next = problem.next;
    this.retryAfterS = problem.retryAfterS;
  }
}

export interface ClientOptions {
  fetch?: typeof fetch;
  /** Asks the person to log in again; true: the same person is back, and the request is made once more. */
  logInAgain?: () => Promise<boolean>;
  /** Asks the person to prove who they are; true: they did, and the request is made once more. */
  confirm?: () => Promise<boolean>;
}

export interface Call {
  signal?: AbortSignal;
  /** A 401 is an answer like any other: of the log-in itself, and of asking who is logged in. */
  mayBeLoggedOut?: boolean;
}

export class Client {
  constructor(private readonly options: ClientOptions = {}) {}

  get<T>(path: string, call: Call = {}): Promise<T> {
    return this.send<T>('GET', path, undefined, call);
  }

  post<T>(path: string, body?: unknown, call: Call = {}): Promise<T> {
    return this.send<T>('POST', path, body, call);
  }

  put<T>(path: string, body: unknown, call: Call = {}): Promise<T> {
    return this.send<T>('PUT', path, body, call);
  }

  delete<T>(path: string, call: Call = {}): Promise<T> {
    return this.send<T>('DELETE', path, undefined, call);
  }

  private async send<T>(method: string, path: string, body: unknown, call: Call): Promise<T> {
    let response = await this.once(method, path, body, call);
    if (response.status === 401 && !call.mayBeLoggedOut && (await this.options.logInAgain?.())) {
      response = await this.once(method, path, body, call);
    }
    if (!response.ok) {
      const refused = new ApiError(await problemOf(response));
      if (refused.type !== problemTypes.confirm || !(await this.options.confirm?.())) throw refused;
      response = await this.once(method, path, body, call);
      if (!response.ok) throw new ApiError(await problemOf(response));
    }
    if (response.status === 204) return undefined as T;
    return (await response.json()) as T;
  }

  private async once(method: string, path: string, body: unknown, call: Call): Promise<Response> {
    const init: RequestInit = { method, headers: { Accept: 'application/json' }, credentials: 'same-origin' };
    if (body instanceof Blob) {
      init.body = body;
      init.headers = { ...init.headers, 'Content-Type': body.type };
    } else if (body !== undefined) {
      init.body = JSON.stringify(body);
      init.headers = { ...init.headers, 'Content-Type': 'application/json' };
    }
    if (call.signal) init.signal = call.signal;
    const offline = globalThis.navigator?.onLine === false; // later it may be, of a request that was sent
    try {
      return await (this.options.fetch ?? fetch)(`/api/v1/${path}`, init);
    } catch (cause) {
      if (call.signal?.aborted) throw cause; // nobody waits for it any more
      // What changes something may have arrived, and only its answer been lost.
      throw new ApiError({
        status: 0,
        ...(method === 'GET' || offline ? failure.offline : failure.unanswered),
      });
    }
  }
}

async function problemOf(response: Response): Promise<Problem> {
  const fallback = { status: response.status, ...failure.server };
  const retry = Number(response.headers.get('Retry-After') ?? '');
  const retryAfter = retry > 0 ? { retryAfterS: retry } : {};
  try {
    const body: unknown = await response.json();
    if (typeof body !== 'object' || body === null) return { ...fallback, ...retryAfter };
    const { type, detail, next } = body as Record<string, unknown>;
    if (typeof detail !== 'string') return { ...fallback, ...retryAfter };
    const typed = typeof type === 'string' && { type };
    return {
      status: response.status,
      ...typed,
      detail,
      ...(typeof next === 'string' && { next }),
      ...retryAfter,
    };
  } catch {
    return { ...fallback, ...retryAfter };
  }
}

/** Whether an error is only the echo of leaving a page. */
export function isAbort(cause: unknown): boolean {
  return cause instanceof DOMException && cause.name === 'AbortError';
}

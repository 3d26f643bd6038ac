import type { ComponentChildren } from 'preact';
import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { ApiError, isAbort } from '../api/client';
import { app } from '../text';
import { ErrorBox } from './errors';

export interface Load<T> {
  value: T | undefined;
  error: unknown;
  busy: boolean;
  reload: () => void;
}

/**
 * Loads what a page shows. A reload keeps the old value until the new one is there, so nothing moves
 * under the reader; leaving the page ends the request.
 */
export function useLoad<T>(load: (signal: AbortSignal) => Promise<T>, key: string): Load<T> {
  const [state, setState] = useState<{ key: string; value?: T; error?: unknown; busy: boolean }>({
    key,
    busy: true,
  });
  const [round, setRound] = useState(0);
  const latest = useRef(load);
  latest.current = load;
  useEffect(() => {
    const leaving = new AbortController();
    setState((old) => (old.key === key ? { ...old, busy: true } : { key, busy: true }));
    latest
      .current(leaving.signal)
      .then((value) => !leaving.signal.aborted && setState({ key, value, busy: false }))
      .catch((error: unknown) => {
        if (leaving.signal.aborted || isAbort(error)) return;
        setState((old) => ({ ...old, error, busy: false }));
      });
    return () => leaving.abort();
  }, [key, round]);
  const reload = useCallback(() => setRound((n) => n + 1), []);
  const current = state.key === key ? state : { key, busy: true };
  const unreached = current.error instanceof ApiError && current.error.status === 0;
  useEffect(() => {
    if (!unreached) return;
    const leaving = new AbortController();
    addEventListener('online', reload, { signal: leaving.signal });
    return () => leaving.abort();
  }, [unreached]);
  return { value: current.value, error: current.error ?? null, busy: current.busy, reload };
}

/** Shows a skeleton (after 300 ms, by CSS), an error with a retry, or the content. */
export function Loaded<T>(props: { of: Load<T>; children: (value: T) => ComponentChildren; lines?: number }) {
  const { value, error, busy, reload } = props.of;
  if (value !== undefined) {
    return (
      <>
        {error ? <ErrorBox error={error} retry={reload} /> : null}
        {props.children(value)}
      </>
    );
  }
  if (error && !busy) return <ErrorBox error={error} retry={reload} />;
  return <Skeleton lines={props.lines ?? 4} />;
}

export function Skeleton(props: { lines: number }) {
  return (
    <div class="skeleton" role="status">
      <span class="visually-hidden">{app.loading}</span>
      {Array.from({ length: props.lines }, (_, i) => (
        <span key={`line-${i}`} class="skeleton-line" />
      ))}
    </div>
  );
}

import { useEffect, useRef } from 'preact/hooks';

export type Keys = Record<string, (() => void) | undefined>;

/** Elements that have a use of their own for keys; theirs comes first. */
const busy = 'a, button, input, select, textarea, summary, dialog, audio, video, [contenteditable]';

/** Single-key commands of a page. Held keys and combinations do nothing. */
export function useKeys(keys: Keys): void {
  const latest = useRef(keys);
  latest.current = keys;
  useEffect(() => {
    const leaving = new AbortController();
    const onKey = (event: KeyboardEvent) => {
      if (event.repeat || event.ctrlKey || event.altKey || event.metaKey || event.defaultPrevented) return;
      const key = event.key.toLowerCase();
      const target = event.target instanceof Element ? event.target : null;
      if (document.querySelector('dialog[open]')) return;
      // Letters pass through buttons and links; Space and Enter are how those are pressed.
      const own = target?.closest(key === ' ' ? busy : 'input, select, textarea, [contenteditable]');
      const command = latest.current[key];
      if (own || !command) return;
      event.preventDefault();
      command();
    };
    document.addEventListener('keydown', onKey, { signal: leaving.signal });
    return () => leaving.abort();
  }, []);
}

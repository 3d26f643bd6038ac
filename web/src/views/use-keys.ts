import { useEffect, useRef } from 'preact/hooks';
import { shortcuts } from '../ui/shortcuts';

export type Keys = Record<string, (() => void) | undefined>;

/** Elements that have a use of their own for keys; theirs comes first. */
const busy = 'a, button, input, select, textarea, summary, dialog, audio, video, [contenteditable]';

export interface KeyPress {
  key: string;
  repeat: boolean;
  isComposing: boolean;
  ctrlKey: boolean;
  altKey: boolean;
  metaKey: boolean;
  defaultPrevented: boolean;
  target: { closest: (selector: string) => unknown } | null;
}

/**
 * Which single-key command a press means, if any. Held keys, combinations and keys in the middle of
 * typing mean none; neither does a key while something has the focus that keys work on: Space on a
 * button presses that button and nothing else.
 */
export function commandKey(press: KeyPress, on: boolean, inDialog: boolean): string | null {
  if (!on || inDialog || press.repeat || press.isComposing || press.defaultPrevented) return null;
  if (press.ctrlKey || press.altKey || press.metaKey) return null;
  return press.target?.closest(busy) ? null : press.key.toLowerCase();
}

/** Single-key commands of a page, while the person has them on. */
export function useKeys(keys: Keys): void {
  const latest = useRef(keys);
  latest.current = keys;
  useEffect(() => {
    const leaving = new AbortController();
    const onKey = (event: KeyboardEvent) => {
      const { key, repeat, isComposing, ctrlKey, altKey, metaKey, defaultPrevented } = event;
      const target = event.target instanceof Element ? event.target : null;
      const press = { key, repeat, isComposing, ctrlKey, altKey, metaKey, defaultPrevented, target };
      const inDialog = document.querySelector('dialog[open]') !== null;
      const pressed = commandKey(press, shortcuts.value, inDialog);
      const command = pressed === null ? undefined : latest.current[pressed];
      if (!command) return;
      event.preventDefault();
      command();
    };
    document.addEventListener('keydown', onKey, { signal: leaving.signal });
    return () => leaving.abort();
  }, []);
}

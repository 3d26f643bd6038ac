import { signal } from '@preact/signals';

const KEY = 'greenroom.shortcuts';

/** Whether single keys are commands in the room. Who talks to their computer, or hits keys by chance, turns them off. */
export const shortcuts = signal(typeof localStorage === 'undefined' || localStorage.getItem(KEY) !== 'off');

export function setShortcuts(on: boolean): void {
  shortcuts.value = on;
  localStorage.setItem(KEY, on ? 'on' : 'off');
}

import { signal } from '@preact/signals';

export type Theme = 'auto' | 'light' | 'dark';

const KEY = 'greenroom.theme';
const order: readonly Theme[] = ['auto', 'light', 'dark'];

export const theme = signal<Theme>(read());

function read(): Theme {
  const kept = typeof localStorage === 'undefined' ? null : localStorage.getItem(KEY);
  return order.find((t) => t === kept) ?? 'auto';
}

export function setTheme(next: Theme): void {
  theme.value = next;
  localStorage.setItem(KEY, next);
  showTheme();
}

/** Without a choice the style sheet follows the system. */
export function showTheme(): void {
  if (theme.value === 'auto') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme.value;
}

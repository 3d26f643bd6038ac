import type { Scope } from '../api/types';

export type PartChange = 'same' | 'none' | 'narrower' | 'wider';

/** What another choice of parts would mean. One part more is wider, whatever else is taken away. */
export function partChange(before: readonly Scope[], after: readonly Scope[]): PartChange {
  if (after.length === 0) return 'none';
  if (after.some((part) => !before.includes(part))) return 'wider';
  return before.every((part) => after.includes(part)) ? 'same' : 'narrower';
}

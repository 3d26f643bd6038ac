import type { Export } from '../api/types';
import { api } from '../state';
import { type Load, useLoad } from '../ui/load';
import { useAgain } from '../ui/use-again';
import { underWay } from './exports-model';

/** How often the page asks how far a copy is. */
const ASK_EVERY_MS = 1500;

/** The copies that were asked for; asked about again while one is being made. */
export function useExports(): Load<{ exports: Export[] }> {
  const list = useLoad((signal) => api.exports({ signal }), 'exports');
  useAgain(list, list.value !== undefined && underWay(list.value.exports), ASK_EVERY_MS);
  return list;
}

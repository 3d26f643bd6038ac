import { useEffect } from 'preact/hooks';
import type { Export } from '../api/types';
import { api } from '../state';
import { type Load, useLoad } from '../ui/load';
import { underWay } from './exports-model';

/** How often the page asks how far a copy is. */
const ASK_EVERY_MS = 1500;

/** The copies that were asked for; asked about again while one is being made. */
export function useExports(): Load<{ exports: Export[] }> {
  const list = useLoad((signal) => api.exports({ signal }), 'exports');
  const waiting = list.value !== undefined && underWay(list.value.exports);
  useEffect(() => {
    if (!waiting || list.busy) return;
    const timer = setTimeout(list.reload, ASK_EVERY_MS);
    return () => clearTimeout(timer);
  }, [waiting, list.busy, list.value]);
  return list;
}

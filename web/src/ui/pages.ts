import { useState } from 'preact/hooks';

/** A long list that is loaded page by page, each at a click; the first page is there already. */
export function usePages<T>(
  first: { list: readonly T[]; next: number | undefined },
  load: (offset: number) => Promise<{ list: readonly T[]; next: number | undefined }>,
) {
  const [more, setMore] = useState<{ list: readonly T[]; next: number | undefined } | null>(null);
  const [state, setState] = useState<{ busy: boolean; error: unknown }>({ busy: false, error: null });
  const next = more ? more.next : first.next;
  const loadMore = async () => {
    if (next === undefined || state.busy) return;
    setState({ busy: true, error: null });
    try {
      const page = await load(next);
      setMore((old) => ({ list: [...(old?.list ?? []), ...page.list], next: page.next }));
      setState({ busy: false, error: null });
    } catch (error) {
      setState({ busy: false, error });
    }
  };
  return {
    list: more ? [...first.list, ...more.list] : first.list,
    hasMore: next !== undefined,
    loadMore,
    ...state,
  };
}

import { useState } from 'preact/hooks';

interface Part<T> {
  list: readonly T[];
  next: number | undefined;
}

/**
 * A long list that is loaded page by page, each at a click; the first page is there already. When that is
 * loaded anew, the later ones are forgotten: where they began, another line may stand by now.
 */
export function usePages<T>(first: Part<T>, load: (offset: number) => Promise<Part<T>>) {
  const [later, setLater] = useState<Part<T> & { after: readonly T[] }>({ ...first, after: first.list });
  const [state, setState] = useState<{ busy: boolean; error: unknown }>({ busy: false, error: null });
  const all = later.after === first.list ? later : first;
  /** Whether there is more after it. */
  const loadMore = async (): Promise<boolean> => {
    if (all.next === undefined || state.busy) return true;
    setState({ busy: true, error: null });
    try {
      const page = await load(all.next);
      setLater({ list: [...all.list, ...page.list], next: page.next, after: first.list });
      setState({ busy: false, error: null });
      return page.next !== undefined;
    } catch (error) {
      setState({ busy: false, error });
      return true;
    }
  };
  return { list: all.list, hasMore: all.next !== undefined, loadMore, ...state };
}

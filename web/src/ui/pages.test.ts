import { h, render } from 'preact';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { usePages } from './pages';

// What is rendered shows nothing, so it needs no real page.
const root = { nodeType: 1, childNodes: [], firstChild: null } as unknown as HTMLElement;
const settle = () => vi.advanceTimersByTimeAsync(200);

beforeEach(() => void vi.useFakeTimers());
afterEach(async () => {
  render(null, root);
  await settle();
  vi.useRealTimers();
});

interface Page {
  list: string[];
  next: number | undefined;
}

function paged() {
  const asked: { offset: number; answer: (page: Page) => void }[] = [];
  let pages: ReturnType<typeof usePages<string>> | undefined;
  const List = (props: { first: Page }) => {
    pages = usePages(
      { ...props.first },
      (offset) => new Promise<Page>((answer) => void asked.push({ offset, answer })),
    );
    return null;
  };
  const now = () => {
    if (!pages) throw new Error('nothing was rendered');
    return pages;
  };
  return { asked, now, show: (first: Page) => render(h(List, { first }), root) };
}

it('adds page to page, and says when it was the last', async () => {
  const { asked, now, show } = paged();
  show({ list: ['c', 'b'], next: 2 });
  const more = now().loadMore();
  await settle();
  expect(now().busy).toBe(true);
  asked[0]?.answer({ list: ['a'], next: undefined });
  expect(await more).toBe(false);
  await settle();
  expect(asked.map((a) => a.offset)).toEqual([2]);
  expect(now()).toMatchObject({ list: ['c', 'b', 'a'], hasMore: false, busy: false });
});

it('forgets later pages when the first is loaded anew, so that no line is lost or doubled', async () => {
  const { asked, now, show } = paged();
  show({ list: ['c', 'b'], next: 2 });
  void now().loadMore();
  asked[0]?.answer({ list: ['a'], next: undefined });
  await settle();
  show({ list: ['d', 'c'], next: 2 }); // one line came to the front
  expect(now()).toMatchObject({ list: ['d', 'c'], hasMore: true });
  void now().loadMore();
  asked[1]?.answer({ list: ['b', 'a'], next: undefined });
  await settle();
  expect(now().list).toEqual(['d', 'c', 'b', 'a']);
});

it('drops a page that was asked for before the first was loaded anew', async () => {
  const { asked, now, show } = paged();
  show({ list: ['c', 'b'], next: 2 });
  void now().loadMore();
  show({ list: ['d', 'c'], next: 2 });
  asked[0]?.answer({ list: ['a'], next: undefined });
  await settle();
  expect(now()).toMatchObject({ list: ['d', 'c'], hasMore: true, busy: false });
});

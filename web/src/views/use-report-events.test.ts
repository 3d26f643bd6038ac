import { h, render } from 'preact';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { useReportEvents } from './use-report-events';

// What is rendered shows nothing, so it needs no real page.
const root = { nodeType: 1, childNodes: [], firstChild: null } as unknown as HTMLElement;
const page = Object.assign(new EventTarget(), { hidden: false });
const settle = () => vi.advanceTimersByTimeAsync(200);

/** A stream that the server refuses. */
class Refused extends EventTarget {
  static opened: Refused[] = [];
  readonly readyState = 2;
  closed = false;

  constructor(readonly url: string) {
    super();
    Refused.opened.push(this);
  }

  close() {
    this.closed = true;
  }
}

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal('document', page);
  vi.stubGlobal('EventSource', Refused);
  vi.stubGlobal('fetch', () => Promise.resolve(new Response('{}', { status: 423 })));
  Refused.opened = [];
});
afterEach(async () => {
  render(null, root);
  await settle();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

it('asks nothing more once the reader is shut out, and listens anew when they are let in', async () => {
  const shutOut = vi.fn();
  const Reading = (props: { shut: boolean }) => {
    useReportEvents('s', props.shut, () => undefined, shutOut);
    return null;
  };
  const show = async (shut: boolean) => {
    render(h(Reading, { shut }), root);
    await settle();
  };
  await show(false);
  expect(Refused.opened.map((s) => s.url)).toEqual(['/api/v1/sessions/s/events']);
  Refused.opened[0]?.dispatchEvent(new Event('error'));
  await settle();
  expect(shutOut).toHaveBeenCalledOnce();

  await show(true);
  await vi.advanceTimersByTimeAsync(600_000);
  expect(Refused.opened).toHaveLength(1);
  expect(shutOut).toHaveBeenCalledOnce();

  await show(false);
  expect(Refused.opened).toHaveLength(2);
});

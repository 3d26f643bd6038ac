import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { app } from '../text';

let shown = 0;

/**
 * The frame of a view: title, one h1, content. After the first page the heading takes the focus, so
 * that a screen reader says where the person is now.
 */
export function Page(props: { title: string; lead?: string; wide?: boolean; children: ComponentChildren }) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${props.title} · ${app.name}`;
  }, [props.title]);
  useEffect(() => {
    if (shown++ > 0) heading.current?.focus({ preventScroll: true });
  }, []);
  return (
    <main id="content" class={props.wide ? 'page page-wide' : 'page'}>
      <h1 ref={heading} tabIndex={-1}>
        {props.title}
      </h1>
      {props.lead && <p class="lead">{props.lead}</p>}
      {props.children}
    </main>
  );
}

export function TableBox(props: { label: string; children: ComponentChildren }) {
  return (
    // A table wider than the screen scrolls inside its box, by keyboard too.
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard
    <section class="table-box" aria-label={props.label} tabIndex={0}>
      {props.children}
    </section>
  );
}

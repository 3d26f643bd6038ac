import type { RefObject } from 'preact';
import { useRef } from 'preact/hooks';
import type { AccessPage, AICall, AICallPage, SessionAccess } from '../api/types';
import { api } from '../state';
import { data as words } from '../text';
import { ErrorBox } from '../ui/errors';
import { dateTime } from '../ui/format';
import { usePages } from '../ui/pages';
import { modelOf, seenGroups, whatWasAsked, whatWasOpened } from './data-model';

/** Which organization opened which parts of which interview. */
export function SeenBy(props: { first: AccessPage }) {
  const heading = useRef<HTMLHeadingElement>(null);
  const pages = usePages<SessionAccess>(
    { list: props.first.accesses, next: props.first.next },
    async (offset) => {
      const page = await api.myAccesses(offset);
      return { list: page.accesses, next: page.next };
    },
  );
  return (
    <section>
      <h2 ref={heading} tabIndex={-1}>
        {words.seen}
      </h2>
      <p>{words.seenBody}</p>
      {pages.list.length === 0 ? (
        <p class="quiet">{words.nobody}</p>
      ) : (
        <ul class="rows" data-testid="seen">
          {seenGroups(pages.list).map((group) => (
            <li key={`${group.at}-${group.session}-${group.org}`} class="row row-access">
              <span>
                <strong>{group.org}</strong> {whatWasOpened(group)}
              </span>
              <time class="quiet figures" dateTime={group.at}>
                {dateTime(group.at)}
              </time>
            </li>
          ))}
        </ul>
      )}
      <More of={pages} heading={heading} testId="seen-more" />
    </section>
  );
}

/** Which models were asked about which interview. */
export function ModelsAsked(props: { first: AICallPage }) {
  const heading = useRef<HTMLHeadingElement>(null);
  const pages = usePages<AICall>({ list: props.first.calls, next: props.first.next }, async (offset) => {
    const page = await api.myAICalls(offset);
    return { list: page.calls, next: page.next };
  });
  return (
    <section>
      <h2 ref={heading} tabIndex={-1}>
        {words.models}
      </h2>
      <p>{words.modelsBody}</p>
      {pages.list.length === 0 ? (
        <p class="quiet">{words.noModel}</p>
      ) : (
        <ul class="rows" data-testid="models">
          {pages.list.map((call, i) => (
            <li key={`${call.at}-${call.session}-${call.for}-${i}`} class="row row-access">
              <span>
                <strong>{modelOf(call)}</strong> {whatWasAsked(call)}
                {call.prompt_sha256 && (
                  <span class="quiet fingerprint">{words.prompt(call.prompt_sha256.slice(0, 12))}</span>
                )}
              </span>
              {call.at && (
                <time class="quiet figures" dateTime={call.at}>
                  {dateTime(call.at)}
                </time>
              )}
            </li>
          ))}
        </ul>
      )}
      <More of={pages} heading={heading} testId="models-more" />
    </section>
  );
}

function More(props: {
  of: { hasMore: boolean; busy: boolean; error: unknown; loadMore: () => Promise<boolean> };
  heading: RefObject<HTMLHeadingElement | null>;
  testId: string;
}) {
  const { hasMore, busy, error, loadMore } = props.of;
  const press = async (button: HTMLElement) => {
    if (await loadMore()) return;
    // The button goes away after the last page. Whoever went on to something else meanwhile stays there.
    const at = document.activeElement;
    if (at === button || at === document.body) props.heading.current?.focus();
  };
  return (
    <>
      {error !== null && <ErrorBox error={error} />}
      {hasMore && (
        <button
          type="button"
          class="button"
          disabled={busy}
          onClick={(event) => void press(event.currentTarget)}
          data-testid={props.testId}
        >
          {words.more}
        </button>
      )}
    </>
  );
}

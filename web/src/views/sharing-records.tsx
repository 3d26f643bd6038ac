import { useRef } from 'preact/hooks';
import type { Authorization, CutOff, NoticeChange } from '../api/types';
import { api } from '../state';
import { paused, purposes, sharing as words } from '../text';
import { ErrorBox } from '../ui/errors';
import { useSubmit } from '../ui/submit';
import { endWords, partsOf, pauseWords, untilWords } from './record-words';
import { Narrow } from './sharing-narrow';
import { NoticeChanged } from './sharing-notice';
import { CutOffLine } from './sharing-viewers';

/** What is shared now, or stands still: each can be ended by one click. */
export function Standing(props: {
  id: string;
  list: Authorization[];
  changes: NoticeChange[];
  said: string;
  onSaid: (sentence: string) => void;
}) {
  const heading = useRef<HTMLHeadingElement>(null);
  // What the person pressed goes away with its record: the focus stays in this part of the page.
  const say = (sentence: string) => {
    heading.current?.focus();
    props.onSaid(sentence);
  };
  return (
    <section>
      <h2 ref={heading} tabIndex={-1}>
        {words.current}
      </h2>
      {props.list.length === 0 && <p>{words.none}</p>}
      <ul class="rows">
        {props.list.map((a) => (
          <Record
            key={a.id}
            id={props.id}
            record={a}
            change={props.changes.find((c) => c.authorizations.some((other) => other.id === a.id))}
            onDone={say}
          />
        ))}
      </ul>
      <p class="quiet" role="status">
        {props.said}
      </p>
    </section>
  );
}

function Record(props: {
  id: string;
  record: Authorization;
  change: NoticeChange | undefined;
  onDone: (said: string) => void;
}) {
  const { id, record: a } = props;
  const pause = pauseWords(a);
  const withdraw = useSubmit(async () => {
    await api.withdrawAuthorization(id, a.id);
    props.onDone(words.withdrawn(a.org_name));
  });
  return (
    <li class="record" data-testid={pause ? 'share-paused' : 'share-live'}>
      <div class="record-head">
        <div>
          {pause && <span class="badge badge-needs">{paused.mark}</span>} <strong>{a.org_name}</strong> ·{' '}
          {purposes[a.purpose].name} · {untilWords(a)}
          <p class="quiet">{partsOf(a)}</p>
        </div>
        <button
          type="button"
          class="button button-danger"
          aria-label={words.withdrawLabel(a.org_name)}
          disabled={withdraw.busy}
          onClick={() => void withdraw.submit()}
          data-testid="share-withdraw"
        >
          {words.withdraw}
        </button>
      </div>
      {withdraw.error !== null && <ErrorBox error={withdraw.error} retry={() => void withdraw.submit()} />}
      {pause && <p class="note note-needs">{pause}</p>}
      <NoticeChanged id={id} record={a} change={props.change} onDone={props.onDone} />
      {a.state === 'granted' && <Narrow id={id} record={a} onDone={props.onDone} />}
    </li>
  );
}

/** Records that ended, and how; with what was open then, and how fast it closed. */
export function Earlier(props: { list: Authorization[]; cutOffs: CutOff[] }) {
  if (props.list.length === 0 && props.cutOffs.length === 0) return null;
  return (
    <section>
      <h2>{words.history}</h2>
      {props.list.length > 0 && (
        <ul class="rows">
          {props.list.map((a) => (
            <li key={a.id} class="row" data-testid="share-ended">
              <div>
                {a.org_name} · {purposes[a.purpose].name} · {endWords(a)}
                <p class="quiet">{partsOf(a)}</p>
              </div>
            </li>
          ))}
        </ul>
      )}
      {props.cutOffs.length > 0 && (
        <details>
          <summary data-testid="cut-offs-earlier">{words.closed(props.cutOffs.length)}</summary>
          <ul class="cut-offs">
            {props.cutOffs.map((c) => (
              <CutOffLine key={`${c.at}-${c.org_name}-${c.stream}`} cutOff={c} dated />
            ))}
          </ul>
        </details>
      )}
    </section>
  );
}

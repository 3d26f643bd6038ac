import { useRef, useState } from 'preact/hooks';
import type { Authorization } from '../api/types';
import { api } from '../state';
import { paused, purposes, sharing as words } from '../text';
import { ErrorBox } from '../ui/errors';
import { useSubmit } from '../ui/submit';
import { endWords, partsOf, pauseWords, untilWords } from './record-words';
import { Narrow } from './sharing-narrow';

/** What is shared now, or stands still: each can be ended by one click. */
export function Standing(props: { id: string; list: Authorization[]; onChange: () => void }) {
  const [said, setSaid] = useState('');
  const heading = useRef<HTMLHeadingElement>(null);
  // What the person pressed goes away with its record: the focus stays in this part of the page.
  const say = (sentence: string) => {
    setSaid(sentence);
    heading.current?.focus();
    props.onChange();
  };
  return (
    <section>
      <h2 ref={heading} tabIndex={-1}>
        {words.current}
      </h2>
      {props.list.length === 0 && <p>{words.none}</p>}
      <ul class="rows">
        {props.list.map((a) => (
          <Record key={a.id} id={props.id} record={a} onDone={say} />
        ))}
      </ul>
      <p class="quiet" role="status">
        {said}
      </p>
    </section>
  );
}

function Record(props: { id: string; record: Authorization; onDone: (said: string) => void }) {
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
      {a.state === 'granted' && <Narrow id={id} record={a} onDone={props.onDone} />}
    </li>
  );
}

/** Records that ended, and how. */
export function Earlier(props: { list: Authorization[] }) {
  if (props.list.length === 0) return null;
  return (
    <section>
      <h2>{words.history}</h2>
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
    </section>
  );
}

import { useRef } from 'preact/hooks';
import type { Authorization } from '../api/types';
import { api } from '../state';
import { purposes, requests as words } from '../text';
import { ErrorBox } from '../ui/errors';
import { dateTime } from '../ui/format';
import { useSubmit } from '../ui/submit';
import { partsOf, untilWords } from './record-words';

/** Who redeemed an invitation, by name and organization: nothing is visible to them before a yes. */
export function Requests(props: {
  id: string;
  list: Authorization[];
  said: string;
  onSaid: (sentence: string) => void;
}) {
  const { said } = props;
  const heading = useRef<HTMLHeadingElement>(null);
  if (props.list.length === 0 && said === '') return null;
  return (
    <section class={props.list.length === 0 ? 'card' : 'card card-needs'} data-testid="requests">
      <h2 ref={heading} tabIndex={-1}>
        {props.list.length === 0 ? words.answered : words.title}
      </h2>
      {props.list.map((a) => (
        <Request
          key={a.id}
          id={props.id}
          record={a}
          onAnswered={(sentence) => {
            heading.current?.focus();
            props.onSaid(sentence);
          }}
        />
      ))}
      <p class="quiet" role="status">
        {said}
      </p>
    </section>
  );
}

function Request(props: { id: string; record: Authorization; onAnswered: (said: string) => void }) {
  const { id, record: a } = props;
  const confirm = useSubmit(async () => {
    await api.confirmRequest(id, a.id);
    props.onAnswered(words.confirmed(a.org_name));
  });
  const refuse = useSubmit(async () => {
    await api.refuseRequest(id, a.id);
    props.onAnswered(words.refused(a.org_name));
  });
  const busy = confirm.busy || refuse.busy;
  const error = confirm.error ?? refuse.error;
  return (
    <div class="request" data-testid="request">
      <h3>{words.who(a.requested_by ?? '', a.org_name)}</h3>
      <p>{words.terms(partsOf(a), purposes[a.purpose].name.toLowerCase(), untilWords(a))}</p>
      <p class="quiet">{words.asked(dateTime(a.valid_from))}</p>
      {error !== null && <ErrorBox error={error} />}
      <p class="actions">
        <button
          type="button"
          class="button button-primary"
          aria-label={words.confirmLabel(a.org_name)}
          disabled={busy}
          onClick={() => void confirm.submit()}
          data-testid="request-confirm"
        >
          {words.confirm}
        </button>
        <button
          type="button"
          class="button"
          aria-label={words.refuseLabel(a.org_name)}
          disabled={busy}
          onClick={() => void refuse.submit()}
          data-testid="request-refuse"
        >
          {words.refuse}
        </button>
      </p>
    </div>
  );
}

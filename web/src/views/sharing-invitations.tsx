import type { RefObject } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import type { Invitation, NewInvitation } from '../api/types';
import { invitationPath } from '../invitation-secret';
import { api } from '../state';
import { purposes, invitations as words } from '../text';
import { CopyField } from '../ui/copy-field';
import { ErrorBox } from '../ui/errors';
import { date, dateTime } from '../ui/format';
import { useSubmit } from '../ui/submit';
import { linkEnd, partsOf, untilWords } from './record-words';

/** The link of an invitation that was just made: only this page has it, and only now. */
export function MadeInvitation(props: { made: NewInvitation; onDone: () => void }) {
  const { invitation, secret } = props.made;
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus(), [invitation.id]);
  return (
    <section class="card card-needs" data-testid="invitation-made">
      <h2 ref={heading} tabIndex={-1}>
        {words.madeTitle}
      </h2>
      <p>{words.made}</p>
      <CopyField
        label={words.link}
        value={`${location.origin}${invitationPath}#${secret}`}
        testId="invitation-link"
      />
      <p class="quiet">{words.expires(dateTime(linkEnd(invitation)))}</p>
      <button type="button" class="button" onClick={props.onDone} data-testid="invitation-done">
        {words.done}
      </button>
    </section>
  );
}

/** Invitations that nobody has used yet. */
export function Invitations(props: {
  id: string;
  list: Invitation[];
  heading: RefObject<HTMLHeadingElement | null>;
  said: string;
  onSaid: (sentence: string) => void;
}) {
  const { said, heading } = props;
  if (props.list.length === 0 && said === '') return null;
  return (
    <section>
      <h2 ref={heading} tabIndex={-1}>
        {words.title}
      </h2>
      {props.list.length === 0 && <p>{words.none}</p>}
      <ul class="rows">
        {props.list.map((invitation) => (
          <Open
            key={invitation.id}
            id={props.id}
            invitation={invitation}
            onCancelled={() => {
              heading.current?.focus();
              props.onSaid(words.cancelled);
            }}
          />
        ))}
      </ul>
      <p class="quiet" role="status">
        {said}
      </p>
    </section>
  );
}

function Open(props: { id: string; invitation: Invitation; onCancelled: () => void }) {
  const { id, invitation: i } = props;
  const cancel = useSubmit(async () => {
    await api.cancelInvitation(id, i.id);
    props.onCancelled();
  });
  return (
    <li class="row" data-testid="invitation">
      <div>
        {words.madeOn(date(i.created_at))} · {words.line(purposes[i.purpose].name, untilWords(i))}
        <p class="quiet">
          {words.offers(partsOf(i))} {words.expires(date(linkEnd(i)))}
        </p>
        {cancel.error !== null && <ErrorBox error={cancel.error} />}
      </div>
      <button
        type="button"
        class="button"
        aria-label={words.cancelLabel(date(i.created_at))}
        disabled={cancel.busy}
        onClick={() => void cancel.submit()}
        data-testid="invitation-cancel"
      >
        {words.cancel}
      </button>
    </li>
  );
}

import type { Session } from '../api/types';
import { api } from '../state';
import { restrict as words } from '../text';
import { ErrorBox } from '../ui/errors';
import { dateTime } from '../ui/format';
import { useSubmit } from '../ui/submit';

/** The interview is kept and stands still: nobody works on it, nobody but its candidate reads it. */
export function Restrict(props: { session: Session; said: string; onSaid: (sentence: string) => void }) {
  const { id, restricted_at, held_at } = props.session;
  const change = useSubmit(async () => {
    await (restricted_at ? api.unrestrict(id) : api.restrict(id));
    props.onSaid(restricted_at ? words.lifted : words.set);
  });
  const error = change.error !== null && <ErrorBox error={change.error} />;
  return (
    <section class={restricted_at ? 'card card-needs' : 'card'} data-testid="restrict">
      <h2>{restricted_at ? words.onTitle : words.title}</h2>
      {held_at && <p class="note note-needs">{words.held}</p>}
      <p>{restricted_at ? words.on(dateTime(restricted_at)) : words.body}</p>
      {restricted_at && <p class="quiet">{words.liftBody}</p>}
      {error}
      <button
        type="button"
        class="button"
        disabled={change.busy}
        onClick={() => void change.submit()}
        data-testid={restricted_at ? 'restrict-lift' : 'restrict-set'}
      >
        {restricted_at ? words.lift : words.submit}
      </button>
      <p class="quiet" role="status">
        {props.said}
      </p>
    </section>
  );
}

import { useState } from 'preact/hooks';
import { api } from '../state';
import { rateFirst as words } from '../text';
import { ErrorBox } from '../ui/errors';

/** Says why other ratings are not here yet, and closes the form for good. */
export function RateFirst(props: { session: string; onDone: () => void }) {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const done = async () => {
    setBusy(true);
    setError(null);
    try {
      await api.finishRatingForm(props.session);
      props.onDone();
    } catch (cause) {
      setError(cause);
    }
    setBusy(false);
  };
  return (
    <section class="card" data-testid="rate-first">
      <h2>{words.title}</h2>
      <p>{words.body}</p>
      <p class="quiet">{words.seen}</p>
      <p class="actions">
        <button
          type="button"
          class="button button-primary"
          disabled={busy}
          onClick={done}
          data-testid="rate-first-done"
        >
          {words.done}
        </button>
      </p>
      {error !== null && <ErrorBox error={error} />}
    </section>
  );
}

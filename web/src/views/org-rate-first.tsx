import { useState } from 'preact/hooks';
import { api } from '../state';
import { rateFirst as words } from '../text';
import { ErrorBox } from '../ui/errors';
import { closeForm, type NotClosed, type OwnRatings } from '../ui/own-ratings';

/** Says why other ratings are not here yet, and closes the form for good once one's own are stored. */
export function RateFirst(props: { session: string; ratings: OwnRatings; onDone: () => void }) {
  const [busy, setBusy] = useState(false);
  const [kept, setKept] = useState<NotClosed | null>(null);
  const [error, setError] = useState<unknown>(null);
  const done = async () => {
    setBusy(true);
    setError(null);
    setKept(null);
    try {
      const open = await closeForm(props.ratings, () => api.finishRatingForm(props.session));
      if (open) setKept(open);
      else props.onDone();
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
      {kept && (
        <p class="note note-error" role="alert" data-testid="rate-first-open">
          {words.open[kept.why](kept.questions.map((q) => q + 1))}
        </p>
      )}
      {error !== null && <ErrorBox error={error} />}
    </section>
  );
}

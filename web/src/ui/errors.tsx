import { ApiError } from '../api/client';
import { app, failure } from '../text';

/** What a person reads about a failure: the server's own words where it had any. */
export function wordsOf(error: unknown): { detail: string; next: string } {
  if (!(error instanceof ApiError)) return failure.unexpected;
  const wait = error.retryAfterS ? failure.retryIn(error.retryAfterS) : '';
  return { detail: error.message, next: [error.next, wait].filter(Boolean).join(' ') };
}

export function ErrorBox(props: { error: unknown; retry?: () => void }) {
  const { detail, next } = wordsOf(props.error);
  return (
    <div class="note note-error" role="alert" data-testid="error">
      <p>
        <strong>{detail}</strong> {next}
      </p>
      {props.retry && (
        <button type="button" class="button" onClick={props.retry}>
          {app.retry}
        </button>
      )}
    </div>
  );
}

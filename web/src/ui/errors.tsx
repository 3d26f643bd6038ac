import { ApiError } from '../api/client';
import { firstPage, me } from '../state';
import { app, failure, notFound } from '../text';

/** What a person reads about a failure: the server's own words where it had any. */
export function wordsOf(error: unknown): { detail: string; next: string } {
  if (!(error instanceof ApiError)) return failure.unexpected;
  const wait = error.retryAfterS ? failure.retryIn(error.retryAfterS) : '';
  return { detail: error.message, next: [error.next, wait].filter(Boolean).join(' ') };
}

export function ErrorBox(props: { error: unknown; retry?: () => void }) {
  const { detail, next } = wordsOf(props.error);
  // What is not there will not be there the next time either.
  const gone = props.retry && props.error instanceof ApiError && props.error.status === 404;
  return (
    <div class="note note-error" role="alert" data-testid="error">
      <p>
        <strong>{detail}</strong> {next}
      </p>
      {gone && (
        <a class="button" href={firstPage(me.value)}>
          {notFound.home}
        </a>
      )}
      {props.retry && !gone && (
        <button type="button" class="button" onClick={props.retry}>
          {app.retry}
        </button>
      )}
    </div>
  );
}

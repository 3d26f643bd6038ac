import { useState } from 'preact/hooks';
import { api, settleConfirm } from '../state';
import { app, confirm as words } from '../text';
import { Dialog } from '../ui/dialog';
import { ErrorBox } from '../ui/errors';
import { Field } from '../ui/field';

/** Before what a borrowed browser must not do. The page behind it waits, and then does it. */
export function ConfirmDialog() {
  const [password, setPassword] = useState('');
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const submit = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    setError(null);
    try {
      await api.confirm(password);
      settleConfirm(true);
    } catch (cause) {
      setError(cause);
      setBusy(false);
    }
  };
  return (
    <Dialog title={words.title} onClose={() => settleConfirm(false)}>
      <p>{words.body}</p>
      <form class="form" onSubmit={submit}>
        <Field
          label={words.password}
          type="password"
          value={password}
          onValue={setPassword}
          autoComplete="current-password"
          first
          testId="confirm-password"
        />
        {error !== null && <ErrorBox error={error} />}
        <p class="actions">
          <button class="button button-primary" type="submit" disabled={busy} data-testid="confirm-submit">
            {words.submit}
          </button>
          <button type="button" class="button button-quiet" onClick={() => settleConfirm(false)}>
            {app.cancel}
          </button>
        </p>
      </form>
    </Dialog>
  );
}

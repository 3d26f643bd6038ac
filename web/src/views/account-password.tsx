import { useState } from 'preact/hooks';
import { api, me } from '../state';
import { join, account as words } from '../text';
import { ErrorBox } from '../ui/errors';
import { Field } from '../ui/field';
import { PasswordField } from '../ui/password-field';
import { useSubmit } from '../ui/submit';
import { passwordRules } from './password-rules';

export function PasswordForm() {
  const [now, setNow] = useState('');
  const [next, setNext] = useState('');
  const rules = passwordRules(next, me.value?.email ?? '');
  const { submit, busy, error, done } = useSubmit(async () => {
    await api.changePassword(now, next);
    setNow('');
    setNext('');
  });
  return (
    <section class="card">
      <h2>{words.password}</h2>
      <p class="quiet">{words.passwordBody}</p>
      <form class="form" onSubmit={submit}>
        <input
          type="email"
          name="username"
          autocomplete="username"
          value={me.value?.email ?? ''}
          hidden
          readOnly
        />
        <Field
          label={words.passwordNow}
          type="password"
          value={now}
          onValue={setNow}
          autoComplete="current-password"
          testId="password-now"
        />
        <PasswordField
          label={words.passwordNext}
          value={next}
          onValue={setNext}
          hint={join.ruleHint}
          rules={rules}
          testId="password-next"
        />
        {error !== null && <ErrorBox error={error} />}
        {done && (
          <p class="note" role="status" data-testid="password-changed">
            {words.passwordDone}
          </p>
        )}
        <button
          class="button button-primary"
          type="submit"
          disabled={busy || rules.some((r) => !r.met)}
          data-testid="password-submit"
        >
          {words.passwordSubmit}
        </button>
      </form>
    </section>
  );
}

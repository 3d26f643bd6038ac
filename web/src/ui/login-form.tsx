import { useState } from 'preact/hooks';
import type { Account } from '../api/types';
import { api } from '../state';
import { login } from '../text';
import { ErrorBox } from './errors';
import { Field } from './field';

export function LoginForm(props: { email?: string; onAccount: (account: Account) => void }) {
  const [email, setEmail] = useState(props.email ?? '');
  const [password, setPassword] = useState('');
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const submit = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    setError(null);
    try {
      props.onAccount(await api.logIn(email.trim(), password));
    } catch (cause) {
      setError(cause);
    } finally {
      setBusy(false);
    }
  };
  return (
    <form class="form" onSubmit={submit}>
      <Field
        label={login.email}
        type="email"
        value={email}
        onValue={setEmail}
        autoComplete="username"
        testId="email"
      />
      <Field
        label={login.password}
        type="password"
        value={password}
        onValue={setPassword}
        autoComplete="current-password"
        first={props.email !== undefined}
        testId="password"
      />
      {error !== null && <ErrorBox error={error} />}
      <button class="button button-primary" type="submit" disabled={busy} data-testid="submit">
        {login.submit}
      </button>
    </form>
  );
}

import { useState } from 'preact/hooks';
import { ApiError, problemTypes } from '../api/client';
import type { Account } from '../api/types';
import { api } from '../state';
import { login } from '../text';
import { ErrorBox } from './errors';
import { Field } from './field';

/** Address and password; the code is asked for once the server says that this account has one. */
export function LoginForm(props: { email?: string; onAccount: (account: Account) => void }) {
  const [email, setEmail] = useState(props.email ?? '');
  const [password, setPassword] = useState('');
  const [code, setCode] = useState('');
  const [askCode, setAskCode] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const submit = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    setError(null);
    try {
      props.onAccount(await api.logIn(email.trim(), password, code));
    } catch (cause) {
      if (!askCode && cause instanceof ApiError && cause.type === problemTypes.code) setAskCode(true);
      else setError(cause);
      setCode('');
    } finally {
      setBusy(false);
    }
  };
  const another = () => {
    setAskCode(false);
    setError(null);
    setPassword('');
  };
  return (
    <form class="form" onSubmit={submit}>
      {askCode ? (
        <>
          <p>{login.codeBody(email.trim())}</p>
          <Field
            key="code"
            label={login.code}
            type="code"
            value={code}
            onValue={setCode}
            hint={login.codeHint}
            first
            testId="code"
          />
        </>
      ) : (
        <>
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
        </>
      )}
      {error !== null && <ErrorBox error={error} />}
      <p class="actions">
        <button class="button button-primary" type="submit" disabled={busy} data-testid="submit">
          {login.submit}
        </button>
        {askCode && (
          <button type="button" class="button button-quiet" onClick={another}>
            {login.otherAccount}
          </button>
        )}
      </p>
      {askCode && <p class="quiet">{login.codeLost}</p>}
    </form>
  );
}

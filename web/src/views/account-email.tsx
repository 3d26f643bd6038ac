import { useState } from 'preact/hooks';
import { api, me } from '../state';
import { app, account as words } from '../text';
import { ErrorBox } from '../ui/errors';
import { Field } from '../ui/field';
import { useSubmit } from '../ui/submit';

export function EmailForm(props: { onChanged?: () => void }) {
  const [email, setEmail] = useState(me.value?.email ?? '');
  const { submit, busy, error, done } = useSubmit(async () => {
    me.value = await api.changeEmail(email);
    setEmail(me.value.email);
    props.onChanged?.();
  });
  return (
    <section class="card">
      <h2>{words.email}</h2>
      <form class="form" onSubmit={submit}>
        <Field
          label={words.emailLabel}
          hint={words.emailHint}
          type="email"
          value={email}
          onValue={setEmail}
          autoComplete="email"
          maxLength={254}
          testId="account-email"
        />
        {error !== null && <ErrorBox error={error} />}
        <p class="actions">
          <button
            class="button"
            type="submit"
            disabled={busy || email === me.value?.email}
            data-testid="account-change-email"
          >
            {words.emailSubmit}
          </button>
          <span role="status">{done && app.saved}</span>
        </p>
      </form>
    </section>
  );
}

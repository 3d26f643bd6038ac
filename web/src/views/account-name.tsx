import { useState } from 'preact/hooks';
import { api, me } from '../state';
import { app, account as words } from '../text';
import { ErrorBox } from '../ui/errors';
import { Field } from '../ui/field';
import { useSubmit } from '../ui/submit';

export function NameForm() {
  const [name, setName] = useState(me.value?.display_name ?? '');
  const { submit, busy, error, done } = useSubmit(async () => {
    me.value = await api.rename(name);
    setName(me.value.display_name);
  });
  return (
    <section class="card">
      <h2>{words.name}</h2>
      <form class="form" onSubmit={submit}>
        <Field
          label={words.nameLabel}
          value={name}
          onValue={setName}
          autoComplete="name"
          maxLength={80}
          testId="account-name"
        />
        {error !== null && <ErrorBox error={error} />}
        <p class="actions">
          <button
            class="button"
            type="submit"
            disabled={busy || name === me.value?.display_name}
            data-testid="account-rename"
          >
            {words.nameSubmit}
          </button>
          <span role="status">{done && app.saved}</span>
        </p>
      </form>
    </section>
  );
}

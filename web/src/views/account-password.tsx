import { useState } from 'preact/hooks';
import { api, me } from '../state';
import { join, account as words } from '../text';
import { ErrorBox } from '../ui/errors';
import { PasswordField } from '../ui/password-field';
import { ProofFields, useProof } from '../ui/proof';
import { useSubmit } from '../ui/submit';
import { PASSWORD_MIN, PASSWORD_MIN_WITH_CODE, passwordRules } from './password-rules';

export function PasswordForm(props: { onChanged: () => void }) {
  const [next, setNext] = useState('');
  const proof = useProof(me.value);
  const least = proof.needsCode ? PASSWORD_MIN_WITH_CODE : PASSWORD_MIN;
  const rules = passwordRules(next, me.value?.email ?? '', least);
  const { submit, busy, error, done } = useSubmit(async () => {
    try {
      await api.changePassword(proof.password, proof.code, next);
    } finally {
      proof.clearCode();
    }
    proof.clear();
    setNext('');
    props.onChanged();
  });
  return (
    <section class="card">
      <h2>{words.password}</h2>
      <p class="quiet">{words.passwordBody}</p>
      <form class="form" onSubmit={submit}>
        <ProofFields proof={proof} label={words.passwordNow} testId="change" />
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

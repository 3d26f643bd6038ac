import type { Account } from '../api/types';
import { api, settleConfirm } from '../state';
import { app, confirm as words } from '../text';
import { Dialog } from '../ui/dialog';
import { ErrorBox } from '../ui/errors';
import { ProofFields, useProof } from '../ui/proof';
import { useSubmit } from '../ui/submit';

/** Before what a borrowed browser must not do. The page behind it waits, and then does it. */
export function ConfirmDialog(props: { account: Account }) {
  const proof = useProof(props.account);
  const { submit, busy, error } = useSubmit(async () => {
    try {
      await api.confirm(proof.password, proof.code);
    } finally {
      proof.clearCode();
    }
    settleConfirm(true);
  });
  return (
    <Dialog title={words.title} onClose={() => settleConfirm(false)}>
      <p>{words.body}</p>
      <form class="form" onSubmit={submit}>
        <ProofFields proof={proof} label={words.password} first testId="confirm" />
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

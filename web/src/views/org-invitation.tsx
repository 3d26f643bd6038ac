import { useState } from 'preact/hooks';
import { ApiError } from '../api/client';
import { forgetInvitation, waitingInvitation } from '../invitation-secret';
import { api, me } from '../state';
import { invited as words } from '../text';
import { ErrorBox } from '../ui/errors';
import { Page } from '../ui/page';
import { useSubmit } from '../ui/submit';
import { OrgMessage } from './org-message';

/**
 * Where the link of an invitation leads. It shows nothing of the interview. Asking tells the candidate who
 * asks, so it takes a click of its own.
 */
export function InvitationView() {
  const [secret] = useState(() => waitingInvitation());
  const ask = useSubmit(async () => {
    try {
      await api.redeemInvitation(secret);
      forgetInvitation();
    } catch (cause) {
      if (cause instanceof ApiError && cause.status === 404) forgetInvitation();
      throw cause;
    }
  });
  if (ask.done)
    return (
      <OrgMessage title={words.askedTitle} text={words.asked} back={words.toList} id="invitation-asked" />
    );
  if (secret === '')
    return <OrgMessage title={words.noneTitle} text={words.none} back={words.toList} id="invitation-none" />;
  const useless = ask.error instanceof ApiError && ask.error.status === 404;
  return (
    <Page title={words.title}>
      <p>{words.body}</p>
      <p data-testid="invitation-told">
        {words.told(me.value?.display_name ?? '', me.value?.org_name ?? '')}
      </p>
      {ask.error !== null && <ErrorBox error={ask.error} />}
      <p class="actions">
        {!useless && (
          <button
            type="button"
            class="button button-primary"
            disabled={ask.busy}
            onClick={() => void ask.submit()}
            data-testid="invitation-ask"
          >
            {words.ask}
          </button>
        )}
        <a class="button" href="/org">
          {useless ? words.toList : words.later}
        </a>
      </p>
    </Page>
  );
}

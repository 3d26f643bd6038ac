import { useLocation } from 'preact-iso';
import type { Account } from '../api/types';
import { api, firstPage, me } from '../state';
import { closing as words } from '../text';
import { ErrorBox } from '../ui/errors';
import { dateTime } from '../ui/format';
import { Page } from '../ui/page';
import { useSubmit } from '../ui/submit';

/** All there is for a closed account, on every address: when it is erased, and the way back. */
export function ClosedView(props: { account: Account }) {
  const { closed_at, erase_at } = props.account;
  const { route } = useLocation();
  const reopen = useSubmit(async () => {
    me.value = await api.reopenAccount();
    route(firstPage(me.value));
  });
  return (
    <Page title={words.closedTitle}>
      <p data-testid="closed">{words.closed(dateTime(closed_at ?? ''), dateTime(erase_at ?? ''))}</p>
      <p>{words.undoBody}</p>
      {reopen.error !== null && <ErrorBox error={reopen.error} />}
      <p class="actions">
        <button
          type="button"
          class="button button-primary"
          disabled={reopen.busy}
          onClick={() => void reopen.submit()}
          data-testid="reopen"
        >
          {words.undo}
        </button>
      </p>
    </Page>
  );
}

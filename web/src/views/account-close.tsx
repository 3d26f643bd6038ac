import { useState } from 'preact/hooks';
import { useLocation } from 'preact-iso';
import { api, justClosed, me } from '../state';
import { closing as words } from '../text';
import { Dialog } from '../ui/dialog';
import { ErrorBox } from '../ui/errors';
import { useSubmit } from '../ui/submit';

/** Ends everything at once, and can be undone for thirty days. */
export function CloseAccount() {
  const [asking, setAsking] = useState(false);
  return (
    <section class="card">
      <h2>{words.title}</h2>
      <p>{words.body}</p>
      <button
        type="button"
        class="button button-danger"
        onClick={() => setAsking(true)}
        data-testid="close-account"
      >
        {words.open}
      </button>
      {asking && <CloseDialog onClose={() => setAsking(false)} />}
    </section>
  );
}

function CloseDialog(props: { onClose: () => void }) {
  const { route } = useLocation();
  const close = useSubmit(async () => {
    const { erase_at } = await api.closeAccount();
    justClosed.value = erase_at;
    me.value = null;
    route('/login');
  });
  return (
    <Dialog title={words.ask} onClose={() => !close.busy && props.onClose()}>
      <ul class="prose">
        {words.list.map((line) => (
          <li key={line}>{line}</li>
        ))}
      </ul>
      {close.error !== null && <ErrorBox error={close.error} />}
      <p class="actions">
        <button
          type="button"
          class="button button-danger"
          disabled={close.busy}
          onClick={() => void close.submit()}
          data-testid="close-confirm"
        >
          {words.submit}
        </button>
        <button
          type="button"
          class="button"
          autofocus // what ends everything never has the focus first
          disabled={close.busy}
          onClick={props.onClose}
          data-testid="close-keep"
        >
          {words.keep}
        </button>
      </p>
    </Dialog>
  );
}

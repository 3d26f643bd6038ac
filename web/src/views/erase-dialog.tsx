import { useState } from 'preact/hooks';
import type { Session } from '../api/types';
import { api } from '../state';
import { erasing as words } from '../text';
import { Dialog } from '../ui/dialog';
import { ErrorBox } from '../ui/errors';
import { date, period } from '../ui/format';
import { useLoad } from '../ui/load';

/**
 * What goes, what stays, and then it goes. With several interviews each is asked for in turn; a try that
 * breaks off can be made again, because asking twice erases once.
 */
export function EraseDialog(props: {
  sessions: readonly Session[];
  onClose: () => void;
  onErased: (n: number) => void;
}) {
  const { sessions } = props;
  const [asked, setAsked] = useState(0);
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const erase = async () => {
    setBusy(true);
    setError(null);
    let done = asked;
    try {
      for (const session of sessions.slice(done)) {
        await api.eraseSession(session.id);
        setAsked(++done);
      }
      props.onErased(sessions.length);
    } catch (cause) {
      setError(cause);
      setBusy(false);
    }
  };
  const close = () => (asked > 0 ? props.onErased(asked) : props.onClose());
  const [only] = sessions;
  return (
    <Dialog
      title={sessions.length === 1 ? words.title : words.titleAll(sessions.length)}
      onClose={() => !busy && close()}
    >
      {sessions.length === 1 && only && (
        <p>
          {only.role_title}, {date(only.created_at)}
        </p>
      )}
      <WhatGoes />
      {busy && sessions.length > 1 && <p role="status">{words.progress(asked, sessions.length)}</p>}
      {error !== null && <ErrorBox error={error} />}
      <p class="actions">
        <button
          type="button"
          class="button button-danger"
          disabled={busy}
          onClick={() => void erase()}
          data-testid="erase-confirm"
        >
          {words.submit}
        </button>
        <button
          type="button"
          class="button"
          autofocus // what cannot be undone never has the focus first
          disabled={busy}
          onClick={close}
          data-testid="erase-keep"
        >
          {words.keep}
        </button>
      </p>
    </Dialog>
  );
}

function WhatGoes() {
  const retention = useLoad((signal) => api.retention({ signal }), 'retention');
  const kept = (of: string) => {
    const length = retention.value?.rules.find((rule) => rule.class === of)?.kept;
    return length ? period(length) : '';
  };
  return (
    <>
      <h3>{words.goes}</h3>
      <ul class="prose">
        {words.goesList.map((line) => (
          <li key={line}>{line}</li>
        ))}
      </ul>
      <h3>{words.stays}</h3>
      <ul class="prose">
        {words.staysList(kept('consent_records'), kept('audit_log')).map((line) => (
          <li key={line}>{line}</li>
        ))}
      </ul>
      <p>{words.final}</p>
    </>
  );
}

import { useState } from 'preact/hooks';
import { useLocation } from 'preact-iso';
import type { LogIn } from '../api/types';
import { api, me } from '../state';
import { account as words } from '../text';
import { ErrorBox } from '../ui/errors';
import { dateTime } from '../ui/format';
import { Loaded, useLoad } from '../ui/load';
import { useSubmit } from '../ui/submit';

/** Where somebody is logged in, so that they notice a log-in that is not theirs, and can end it. */
export function LogIns() {
  const list = useLoad((signal) => api.logIns({ signal }), 'log-ins');
  const { route } = useLocation();
  const everywhere = useSubmit(async () => {
    await api.logOutEverywhere();
    me.value = null;
    route('/');
  });
  return (
    <section class="card">
      <h2>{words.logIns}</h2>
      <p class="quiet">{words.logInsBody}</p>
      <Loaded of={list}>
        {({ log_ins }) => (
          <ul class="rows">
            {log_ins.map((l) => (
              <Row key={l.id} logIn={l} onEnded={list.reload} />
            ))}
          </ul>
        )}
      </Loaded>
      {everywhere.error !== null && <ErrorBox error={everywhere.error} />}
      <button
        type="button"
        class="button button-danger"
        disabled={everywhere.busy}
        onClick={() => void everywhere.submit()}
        data-testid="log-out-everywhere"
      >
        {words.everywhere}
      </button>
    </section>
  );
}

function Row(props: { logIn: LogIn; onEnded: () => void }) {
  const { id, current, device, began_at, used_at } = props.logIn;
  const [error, setError] = useState<unknown>(null);
  const end = async () => {
    setError(null);
    try {
      await api.endLogIn(id);
      props.onEnded();
    } catch (cause) {
      setError(cause);
    }
  };
  const name = device || words.unknownDevice;
  return (
    <li class="row" data-testid={current ? 'log-in-current' : 'log-in'}>
      <div>
        {name} {current && <strong>{words.current}</strong>}
        <p class="quiet">{words.times(dateTime(began_at), dateTime(used_at))}</p>
        {error !== null && <ErrorBox error={error} />}
      </div>
      {!current && (
        <button
          type="button"
          class="button"
          onClick={() => void end()}
          aria-label={words.endLabel(name)}
          data-testid="log-in-end"
        >
          {words.end}
        </button>
      )}
    </li>
  );
}

import { useState } from 'preact/hooks';
import { exportUrl } from '../api/endpoints';
import type { Export, Session } from '../api/types';
import { api } from '../state';
import { exports as words } from '../text';
import { ErrorBox } from '../ui/errors';
import { date } from '../ui/format';
import { Loaded, useLoad } from '../ui/load';
import { useSubmit } from '../ui/submit';
import { leftOut, nameOf, standing, underWay } from './exports-model';
import { useExports } from './use-exports';

/** Take a copy along: ask for one, see how far it is, download it. */
export function Exports(props: { asked: () => void }) {
  const list = useExports();
  const asked = () => {
    list.reload();
    props.asked();
  };
  return (
    <section class="card">
      <h2>{words.title}</h2>
      <p>{words.body}</p>
      <Loaded of={list} lines={2}>
        {({ exports }) => (
          <>
            <Ask busy={underWay(exports)} asked={asked} />
            {exports.length === 0 ? (
              <p class="quiet">{words.none}</p>
            ) : (
              <ul class="rows" data-testid="exports">
                {exports.map((one) => (
                  <Row key={one.id} one={one} reload={list.reload} />
                ))}
              </ul>
            )}
          </>
        )}
      </Loaded>
    </section>
  );
}

const WHOLE = '';

function Ask(props: { busy: boolean; asked: () => void }) {
  const sessions = useLoad((signal) => api.sessions({ signal }), 'sessions');
  const [of, setOf] = useState(WHOLE);
  const { submit, busy, error } = useSubmit(async () => {
    await api.requestExport(of);
    props.asked();
  });
  return (
    <form class="form" onSubmit={submit}>
      <div class="field">
        <label for="export-of">{words.of}</label>
        <select
          id="export-of"
          value={of}
          onChange={(event) => setOf(event.currentTarget.value)}
          data-testid="export-of"
        >
          <option value={WHOLE}>{words.whole}</option>
          {(sessions.value?.sessions ?? []).map((session) => (
            <option key={session.id} value={session.id}>
              {optionOf(session)}
            </option>
          ))}
        </select>
      </div>
      {error !== null && <ErrorBox error={error} />}
      <p class="actions">
        <button
          class="button button-primary"
          type="submit"
          disabled={busy || props.busy}
          data-testid="export-ask"
        >
          {words.ask}
        </button>
      </p>
    </form>
  );
}

const optionOf = (session: Session): string => words.option(session.role_title, date(session.created_at));

function Row(props: { one: Export; reload: () => void }) {
  const { one } = props;
  const { submit, busy, error } = useSubmit(async () => {
    try {
      await api.checkExport(one.id); // asks for a fresh proof, and says in words why not
    } finally {
      props.reload();
    }
    location.assign(exportUrl(one.id));
  });
  const missing = leftOut(one);
  return (
    <li class="row export" data-testid="export" data-state={one.state}>
      <div class="stack-tight">
        <strong>{nameOf(one)}</strong>
        <p class="quiet" role="status">
          {standing(one)}
        </p>
        {one.state === 'running' && (
          <progress
            value={one.sessions_all > 1 ? one.sessions_done : undefined} // of one, nobody knows how much is left
            max={Math.max(one.sessions_all, 1)}
            aria-label={words.progress}
          />
        )}
        {missing.length > 0 && (
          <ul class="quiet">
            {missing.map((line) => (
              <li key={line}>{line}</li>
            ))}
          </ul>
        )}
        {error !== null && <ErrorBox error={error} />}
      </div>
      {one.state === 'ready' && (
        <button
          type="button"
          class="button"
          disabled={busy}
          aria-label={words.downloadLabel(nameOf(one))}
          onClick={() => void submit()}
          data-testid="export-download"
        >
          {words.download}
        </button>
      )}
    </li>
  );
}

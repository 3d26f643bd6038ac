import { useState } from 'preact/hooks';
import type { Authorization } from '../api/types';
import { api } from '../state';
import { purposes, scopes, sharing as words } from '../text';
import { ErrorBox } from '../ui/errors';
import { date, dateTime, listed } from '../ui/format';
import { Loaded, useLoad } from '../ui/load';
import { Page } from '../ui/page';
import { Accesses } from './accesses';
import { ShareForm } from './share-form';

export function SharingView(props: { id: string }) {
  const page = useLoad(async (signal) => {
    const call = { signal };
    const [session, organizations, authorizations, accesses] = await Promise.all([
      api.session(props.id, call),
      api.organizations(call),
      api.authorizations(props.id, call),
      api.accesses(props.id, call),
    ]);
    return {
      session,
      organizations: organizations.organizations,
      authorizations: authorizations.authorizations,
      accesses: accesses.accesses,
    };
  }, props.id);
  return (
    <Page title={words.title} lead={words.intro}>
      <Loaded of={page} lines={6}>
        {(all) => (
          <>
            <p class="quiet">
              {all.session.role_title}, {dateTime(all.session.created_at)}.{' '}
              <a href={`/sessions/${encodeURIComponent(props.id)}/report`}>{words.toReport}</a>
            </p>
            <Current id={props.id} list={all.authorizations} onChange={page.reload} />
            <ShareForm id={props.id} organizations={all.organizations} onShared={page.reload} />
            <Accesses list={all.accesses} />
            <History list={all.authorizations} />
          </>
        )}
      </Loaded>
    </Page>
  );
}

function partsOf(authorization: Authorization): string {
  return listed(authorization.scopes.map((s) => scopes[s]?.short ?? s));
}

function Current(props: { id: string; list: Authorization[]; onChange: () => void }) {
  const [said, setSaid] = useState('');
  const live = props.list.filter((a) => a.state === 'granted');
  return (
    <section>
      <h2>{words.current}</h2>
      {live.length === 0 && <p>{words.none}</p>}
      <ul class="rows">
        {live.map((a) => (
          <Live
            key={a.id}
            id={props.id}
            authorization={a}
            onWithdrawn={() => {
              setSaid(words.withdrawn(a.org_name));
              props.onChange();
            }}
          />
        ))}
      </ul>
      <p class="quiet" role="status">
        {said}
      </p>
    </section>
  );
}

function Live(props: { id: string; authorization: Authorization; onWithdrawn: () => void }) {
  const { authorization: a } = props;
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const withdraw = async () => {
    setBusy(true);
    setError(null);
    try {
      await api.withdrawAuthorization(props.id, a.id);
      props.onWithdrawn();
    } catch (cause) {
      setError(cause);
      setBusy(false);
    }
  };
  return (
    <li class="row" data-testid="share-live">
      <div>
        <strong>{a.org_name}</strong> · {purposes[a.purpose].name} · {words.until(date(a.valid_until))}
        <p class="quiet">{partsOf(a)}</p>
      </div>
      <button
        type="button"
        class="button button-danger"
        aria-label={words.withdrawLabel(a.org_name)}
        disabled={busy}
        onClick={withdraw}
        data-testid="share-withdraw"
      >
        {words.withdraw}
      </button>
      {error !== null && <ErrorBox error={error} retry={withdraw} />}
    </li>
  );
}

function History(props: { list: Authorization[] }) {
  const past = props.list.filter((a) => a.state !== 'granted');
  if (past.length === 0) return null;
  return (
    <section>
      <h2>{words.history}</h2>
      <ul class="rows">
        {past.map((a) => (
          <li key={a.id} class="row">
            <div>
              {a.org_name} · {purposes[a.purpose].name} · {words.stateNames[a.state]}
              {a.ended_at ? `, ${dateTime(a.ended_at)}` : ''}
              <p class="quiet">{partsOf(a)}</p>
            </div>
          </li>
        ))}
      </ul>
    </section>
  );
}

import { api, me } from '../state';
import { home, privacy as words } from '../text';
import { date } from '../ui/format';
import { Loaded, useLoad } from '../ui/load';
import { Page } from '../ui/page';

export function PrivacyView() {
  return (
    <Page title={words.title}>
      <section>
        <h2>{words.kept}</h2>
        <ul class="prose">
          {words.keptBody.map((line) => (
            <li key={line}>{line}</li>
          ))}
        </ul>
        <p>{words.notDone}</p>
      </section>
      {me.value?.kind === 'candidate' && <Own />}
      {me.value === null && (
        <p>
          <a href="/login?next=/privacy">{words.anonymous}</a>
        </p>
      )}
    </Page>
  );
}

function Own() {
  const list = useLoad((signal) => api.sessions({ signal }), 'sessions');
  return (
    <section>
      <h2>{words.shared}</h2>
      <Loaded of={list}>
        {({ sessions }) =>
          sessions.length === 0 ? (
            <p>{words.none}</p>
          ) : (
            <ul class="rows">
              {sessions.map((s) => (
                <li key={s.id} class="row">
                  <div>
                    {s.role_title}, {date(s.created_at)}
                    <p class="quiet">{home.sharedWith(s.shared_with ?? 0)}</p>
                  </div>
                  <a
                    class="button"
                    href={`/sessions/${encodeURIComponent(s.id)}/sharing`}
                    aria-label={words.manageLabel(s.role_title, date(s.created_at))}
                  >
                    {words.manage}
                  </a>
                </li>
              ))}
            </ul>
          )
        }
      </Loaded>
    </section>
  );
}

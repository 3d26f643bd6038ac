import { api } from '../state';
import { home, privacy as words } from '../text';
import { date } from '../ui/format';
import { Loaded, useLoad } from '../ui/load';

export function OwnSessions() {
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

import type { Session } from '../api/types';
import { api, me } from '../state';
import { home, modes, states } from '../text';
import { dateTime } from '../ui/format';
import { Loaded, useLoad } from '../ui/load';
import { Page, TableBox } from '../ui/page';
import { HomeHints } from './home-hints';
import { nextStep, sessionPath } from './steps';

export function HomeView() {
  const list = useLoad((signal) => api.sessions({ signal }), 'sessions');
  return (
    <Page title={home.title} lead={home.hello(me.value?.display_name ?? '')}>
      <HomeHints sessions={list.value?.sessions ?? []} />
      <Loaded of={list}>
        {({ sessions }) =>
          sessions.length === 0 ? (
            <section class="card">
              <h2>{home.emptyTitle}</h2>
              <p>{home.empty}</p>
              <StartLink primary />
            </section>
          ) : (
            <>
              <Next sessions={sessions} />
              <SessionList sessions={sessions} />
              <p>
                <a href="/privacy/data">{home.data}</a>
              </p>
            </>
          )
        }
      </Loaded>
    </Page>
  );
}

function StartLink(props: { primary: boolean }) {
  return (
    <a class={props.primary ? 'button button-primary' : 'button'} href="/start" data-testid="new-session">
      {home.start}
    </a>
  );
}

function Next(props: { sessions: Session[] }) {
  const next = nextStep(props.sessions);
  return (
    <section class="card next">
      {next && (
        <>
          <p class="eyebrow">{home.goOn}</p>
          <h2>{home.next[next.kind].title(next.session.role_title)}</h2>
        </>
      )}
      <p class="actions">
        {next && (
          <a class="button button-primary" href={sessionPath(next.session)} data-testid="next-step">
            {home.next[next.kind].action}
          </a>
        )}
        <StartLink primary={!next} />
      </p>
    </section>
  );
}

function SessionList(props: { sessions: Session[] }) {
  const newest = [...props.sessions].sort((a, b) => b.created_at.localeCompare(a.created_at));
  return (
    <section>
      <h2>{home.list}</h2>
      <TableBox label={home.list}>
        <table>
          <thead>
            <tr>
              <th scope="col">{home.columns.role}</th>
              <th scope="col">{home.columns.date}</th>
              <th scope="col">{home.columns.mode}</th>
              <th scope="col">{home.columns.state}</th>
              <th scope="col">{home.columns.shared}</th>
            </tr>
          </thead>
          <tbody>
            {newest.map((session) => (
              <tr key={session.id}>
                <td>
                  <a href={sessionPath(session)} data-testid="session">
                    {session.role_title}
                  </a>
                </td>
                <td class="figures">{dateTime(session.created_at)}</td>
                <td>{modes[session.mode].name}</td>
                <td>{states[session.state] ?? session.state}</td>
                <td>
                  <a href={`/sessions/${encodeURIComponent(session.id)}/sharing`}>
                    {home.sharedWith(session.shared_with ?? 0)}
                  </a>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </TableBox>
    </section>
  );
}

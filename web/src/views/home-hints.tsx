import type { Session } from '../api/types';
import { api } from '../state';
import { requests, erasures as words } from '../text';
import { date } from '../ui/format';
import { useLoad } from '../ui/load';
import { isUnderWay } from './erasure-words';

/** What goes on elsewhere and may need the person. A failure to find out is no reason to disturb them here. */
export function HomeHints(props: { sessions: readonly Session[] }) {
  return (
    <>
      {props.sessions.filter(isAskedFor).map((session) => (
        <Asked key={session.id} session={session} />
      ))}
      <UnderWay />
    </>
  );
}

/** Whether an organization asks for an interview and waits for an answer. */
export function isAskedFor(session: Session): boolean {
  return (session.requests ?? 0) > 0;
}

function Asked(props: { session: Session }) {
  const { id, role_title, created_at, requests: n } = props.session;
  return (
    <p class="note note-needs" data-testid="hint-request">
      {requests.hint(n ?? 0, role_title, date(created_at))}{' '}
      <a href={`/sessions/${encodeURIComponent(id)}/sharing`}>{requests.answer}</a>
    </p>
  );
}

function UnderWay() {
  const erasures = useLoad((signal) => api.erasures({ signal }), 'erasures');
  const running = erasures.value?.erasures.filter(isUnderWay).length ?? 0;
  if (running === 0) return null;
  return (
    <p class="note" data-testid="hint-erasures">
      {words.underWay(running)} <a href="/privacy">{words.follow}</a>
    </p>
  );
}

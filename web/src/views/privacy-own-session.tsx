import type { Session } from '../api/types';
import { api } from '../state';
import { erasing, home, requests, restrict, states, privacy as words } from '../text';
import { ErrorBox } from '../ui/errors';
import { date } from '../ui/format';
import { useSubmit } from '../ui/submit';
import { isAskedFor } from './home-hints';

/** One interview of the candidate's own, with what can be done about it. */
export function OwnSession(props: {
  session: Session;
  onErase: () => void;
  onChanged: (said: string) => void;
}) {
  const { session: s } = props;
  const day = date(s.created_at);
  const restricted = Boolean(s.restricted_at);
  const keep = useSubmit(async () => {
    await (restricted ? api.unrestrict(s.id) : api.restrict(s.id));
    props.onChanged(restricted ? restrict.lifted : restrict.set);
  });
  return (
    <li class="row" data-testid="own-session">
      <div>
        {restricted && <span class="badge badge-needs">{restrict.mark}</span>}{' '}
        {s.held_at && <span class="badge badge-needs">{restrict.heldMark}</span>} {s.role_title}, {day}
        <p class="quiet">{standingOf(s)}</p>
        {keep.error !== null && <ErrorBox error={keep.error} />}
      </div>
      <a
        class="button"
        href={`/sessions/${encodeURIComponent(s.id)}/sharing`}
        aria-label={words.manageLabel(s.role_title, day)}
      >
        {words.manage}
      </a>
      <button
        type="button"
        class="button"
        aria-label={(restricted ? restrict.liftLabel : restrict.submitLabel)(s.role_title, day)}
        disabled={keep.busy}
        onClick={() => void keep.submit()}
        data-testid={restricted ? 'own-lift' : 'own-restrict'}
      >
        {restricted ? restrict.lift : restrict.submit}
      </button>
      <button
        type="button"
        class="button button-danger"
        aria-label={erasing.openLabel(s.role_title, day)}
        onClick={props.onErase}
        data-testid="erase"
      >
        {erasing.open}
      </button>
    </li>
  );
}

/** How far it is, and who sees it or asks for it. */
function standingOf(s: Session): string {
  const shared = words.sharedWith(home.sharedWith(s.shared_with ?? 0).toLowerCase());
  const asked = isAskedFor(s) ? ` · ${requests.some(s.requests ?? 0)}` : '';
  return `${states[s.state] ?? s.state} · ${shared}${asked}`;
}

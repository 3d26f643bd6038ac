import { useEffect, useRef, useState } from 'preact/hooks';
import type { Session } from '../api/types';
import { api } from '../state';
import { erasing, home, states, privacy as words } from '../text';
import { date } from '../ui/format';
import { Loaded, useLoad } from '../ui/load';
import { EraseDialog } from './erase-dialog';
import { Erasures } from './erasures';

/** A candidate's interviews, each with what can be done about it, and what was erased. */
export function OwnSessions() {
  const list = useLoad((signal) => api.sessions({ signal }), 'sessions');
  const erasures = useLoad((signal) => api.erasures({ signal }), 'erasures');
  const [chosen, setChosen] = useState<readonly Session[]>([]);
  const [said, setSaid] = useState('');
  const heading = useRef<HTMLHeadingElement>(null);
  const erased = (n: number) => {
    setChosen([]);
    setSaid(erasing.erased(n));
    list.reload();
    erasures.reload();
  };
  // The dialog gives the focus back to a button that goes away with its interview.
  useEffect(() => {
    if (said && chosen.length === 0) heading.current?.focus();
  }, [said, chosen]);
  return (
    <>
      <section>
        <h2 ref={heading} tabIndex={-1}>
          {words.shared}
        </h2>
        <Loaded of={list}>
          {({ sessions }) => (
            <>
              {sessions.length === 0 && <p>{words.none}</p>}
              <ul class="rows">
                {sessions.map((s) => (
                  <Row key={s.id} session={s} onErase={() => setChosen([s])} />
                ))}
              </ul>
              {sessions.length > 1 && (
                <button
                  type="button"
                  class="button button-danger"
                  onClick={() => setChosen(sessions)}
                  data-testid="erase-all"
                >
                  {erasing.all}
                </button>
              )}
            </>
          )}
        </Loaded>
        <p class="quiet" role="status">
          {said}
        </p>
      </section>
      <Erasures list={erasures} />
      {chosen.length > 0 && <EraseDialog sessions={chosen} onClose={() => setChosen([])} onErased={erased} />}
    </>
  );
}

function Row(props: { session: Session; onErase: () => void }) {
  const { session: s } = props;
  const day = date(s.created_at);
  return (
    <li class="row" data-testid="own-session">
      <div>
        {s.role_title}, {day}
        <p class="quiet">
          {states[s.state] ?? s.state} · {words.sharedWith(home.sharedWith(s.shared_with ?? 0).toLowerCase())}
        </p>
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

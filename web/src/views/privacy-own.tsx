import { useEffect, useRef, useState } from 'preact/hooks';
import type { Session } from '../api/types';
import { api } from '../state';
import { erasing, privacy as words } from '../text';
import { Loaded, useLoad } from '../ui/load';
import { EraseDialog } from './erase-dialog';
import { Erasures } from './erasures';
import { OwnSession } from './privacy-own-session';

/** A candidate's interviews, each with what can be done about it, and what was erased. */
export function OwnSessions() {
  const list = useLoad((signal) => api.sessions({ signal }), 'sessions');
  const erasures = useLoad((signal) => api.erasures({ signal }), 'erasures');
  const [chosen, setChosen] = useState<readonly Session[]>([]);
  const [said, setSaid] = useState('');
  const [gone, setGone] = useState(0);
  const heading = useRef<HTMLHeadingElement>(null);
  const erased = (n: number) => {
    setChosen([]);
    setSaid(erasing.erased(n));
    setGone(gone + n);
    list.reload();
    erasures.reload();
  };
  // The dialog gives the focus back to a button that goes away with its interview.
  useEffect(() => {
    if (gone > 0) heading.current?.focus();
  }, [gone]);
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
                  <OwnSession
                    key={s.id}
                    session={s}
                    onErase={() => setChosen([s])}
                    onChanged={(sentence) => {
                      setSaid(sentence);
                      list.reload();
                    }}
                  />
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

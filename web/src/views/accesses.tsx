import { useState } from 'preact/hooks';
import type { Access } from '../api/types';
import { sharing as words } from '../text';
import { dateTime, listed } from '../ui/format';
import { accessGroups } from './access-groups';

/** Lines before the list folds. */
const SHOWN = 5;

/** Which organization opened which parts, newest first. */
export function Accesses(props: { list: readonly Access[] }) {
  const [all, setAll] = useState(false);
  const groups = accessGroups(props.list);
  const shown = all ? groups : groups.slice(0, SHOWN);
  return (
    <section>
      <h2>{words.accesses}</h2>
      {groups.length === 0 ? (
        <p>{words.noAccesses}</p>
      ) : (
        <ul class="rows" data-testid="accesses">
          {shown.map((group) => (
            <li key={`${group.at}-${group.org}`} class="row row-access">
              <span>
                <strong>{group.org}</strong> {words.opened(listed(group.what))}
              </span>
              <time class="quiet figures" dateTime={group.at}>
                {dateTime(group.at)}
              </time>
            </li>
          ))}
        </ul>
      )}
      {groups.length > SHOWN && (
        <button
          type="button"
          class="button"
          aria-expanded={all}
          onClick={() => setAll(!all)}
          data-testid="accesses-all"
        >
          {all ? words.showFewer : words.showAll(groups.length)}
        </button>
      )}
    </section>
  );
}

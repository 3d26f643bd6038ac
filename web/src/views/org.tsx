import { useEffect } from 'preact/hooks';
import { whenSeen } from '../api/again';
import type { SharedSession } from '../api/types';
import { api, me } from '../state';
import { purposes, scopes, org as words } from '../text';
import { clock, date, listed } from '../ui/format';
import { type Load, Loaded, useLoad } from '../ui/load';
import { Page, TableBox } from '../ui/page';
import { OrgRequests } from './org-requests';
import { OrgReceipts } from './receipts';

const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Only what is shared now; the empty list says how sharing works and hints at nothing. */
export function OrgView() {
  const list = useLoad((signal) => api.shared({ signal }), 'shared');
  useWhatIsShared(list);
  return (
    <Page title={words.title} lead={me.value?.org_name ?? ''}>
      <Loaded of={list}>
        {({ sessions }) =>
          sessions.length === 0 ? (
            <section class="card" data-testid="org-empty">
              <h2>{words.emptyTitle}</h2>
              <p>{words.empty}</p>
            </section>
          ) : (
            <SharedTable sessions={sessions} />
          )
        }
      </Loaded>
      <OrgRequests />
      <OrgReceipts />
    </Page>
  );
}

/** The list is looked at again when the page is, and when something in it ends; nothing asks while nobody looks. */
function useWhatIsShared(list: Load<{ sessions: SharedSession[] }>): void {
  const { value, reload } = list;
  useEffect(() => {
    const leaving = new AbortController();
    const onSeen = () => !document.hidden && reload();
    document.addEventListener('visibilitychange', onSeen, { signal: leaving.signal });
    return () => leaving.abort();
  }, []);
  useEffect(() => {
    const ends = (value?.sessions ?? []).map((s) => Date.parse(s.valid_until) - Date.now());
    const next = Math.min(...ends.filter((ms) => ms > 0));
    if (next <= LONGEST_TIMER_MS) return whenSeen(reload, next);
  }, [value]);
}

function SharedTable(props: { sessions: SharedSession[] }) {
  return (
    <TableBox label={words.title}>
      <table>
        <thead>
          <tr>
            <th scope="col">{words.columns.role}</th>
            <th scope="col">{words.columns.candidate}</th>
            <th scope="col">{words.columns.ended}</th>
            <th scope="col">{words.columns.length}</th>
            <th scope="col">{words.columns.purpose}</th>
            <th scope="col">{words.columns.parts}</th>
            <th scope="col">{words.columns.until}</th>
          </tr>
        </thead>
        <tbody>
          {props.sessions.map((s) => (
            <tr key={`${s.id}-${s.purpose}`}>
              <td>
                <a href={`/org/reports/${encodeURIComponent(s.id)}`} data-testid="shared-session">
                  {s.role_title}
                </a>
              </td>
              <td>{s.candidate || words.noName}</td>
              <td class="figures">{s.ended_at ? date(s.ended_at) : ''}</td>
              <td class="figures">{clock(s.length_ms)}</td>
              <td>{purposes[s.purpose].name}</td>
              <td>{listed(s.scopes.map((scope) => scopes[scope]?.short ?? scope))}</td>
              <td class="figures">{date(s.valid_until)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </TableBox>
  );
}

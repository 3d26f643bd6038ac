import type { Request } from '../api/types';
import { api } from '../state';
import { purposes, orgRequests as words } from '../text';
import { dateTime } from '../ui/format';
import { Loaded, useLoad } from '../ui/load';
import { partsOf, untilWords } from './record-words';

/** What this organization asked for: nothing of an interview, and of an end only that it is over. */
export function OrgRequests() {
  const list = useLoad((signal) => api.requests({ signal }), 'requests');
  return (
    <Loaded of={list} lines={2}>
      {({ requests }) => {
        const waiting = requests.filter((r) => r.state === 'waiting');
        const over = requests.filter((r) => r.state !== 'waiting');
        if (requests.length === 0) return null;
        return (
          <section data-testid="org-requests">
            <h2>{words.title}</h2>
            <p class="quiet">{words.body}</p>
            {waiting.length === 0 ? (
              <p>{words.none}</p>
            ) : (
              <ul class="rows">
                {waiting.map((r) => (
                  <Row key={r.id} request={r} />
                ))}
              </ul>
            )}
            {over.length > 0 && (
              <details>
                <summary>{words.over(over.length)}</summary>
                <ul class="rows">
                  {over.map((r) => (
                    <Row key={r.id} request={r} />
                  ))}
                </ul>
              </details>
            )}
          </section>
        );
      }}
    </Loaded>
  );
}

function Row(props: { request: Request }) {
  const { request: r } = props;
  return (
    <li class="row" data-testid="org-request">
      <div>
        {words.line(dateTime(r.at), purposes[r.purpose].name, untilWords(r))}
        <p class="quiet">{partsOf(r)}</p>
      </div>
      <span class={r.state === 'waiting' ? 'badge badge-needs' : 'badge'}>{words.states[r.state]}</span>
    </li>
  );
}

import type { Overview } from '../api/types';
import { api } from '../state';
import { states, ops as words } from '../text';
import { bytes, plainName } from '../ui/format';
import { Loaded, useLoad } from '../ui/load';
import { Page, TableBox } from '../ui/page';

export function OpsView() {
  const overview = useLoad((signal) => api.overview({ signal }), 'overview');
  return (
    <Page title={words.title} lead={words.intro}>
      <p class="actions">
        <button
          type="button"
          class="button"
          onClick={overview.reload}
          disabled={overview.busy}
          data-testid="ops-refresh"
        >
          {words.refresh}
        </button>
      </p>
      <Loaded of={overview} lines={8}>
        {(o) => (
          <div class="columns">
            <Counts title={words.sessions} counts={named(o.sessions, states)} />
            <Counts title={words.jobs} counts={named(o.jobs, {})} />
            {o.models.length > 0 && (
              <Counts title={words.models} counts={o.models.map((m) => [m.model, found(m)])} />
            )}
            <Counts
              title={words.storage}
              counts={[
                [words.rows.spool_files, String(o.spool_files)],
                [words.rows.spool_bytes, bytes(o.spool_bytes)],
                [words.rows.segments, String(o.segments)],
                [words.rows.segment_bytes, bytes(o.segment_bytes)],
                [words.rows.build, o.build],
              ]}
            />
          </div>
        )}
      </Loaded>
    </Page>
  );
}

function found(model: Overview['models'][number]): string {
  if (model.problem) return model.problem;
  return [
    model.held ? words.held[model.held] : '',
    model.usage ? words.counting[model.usage] : '',
    model.answered ? words.answersAs(model.answered) : '',
    model.names.length > 1 ? words.changedName(model.names) : '',
    `${model.latency_ms} ms`,
  ]
    .filter(Boolean)
    .join(', ');
}

function named(counts: Record<string, number>, names: Record<string, string>): [string, string][] {
  return Object.entries(counts).map(([state, n]) => [names[state] ?? plainName(state), String(n)]);
}

function Counts(props: { title: string; counts: [string, string][] }) {
  return (
    <section class="card">
      <h2>{props.title}</h2>
      {props.counts.length === 0 ? (
        <p class="quiet">{words.none}</p>
      ) : (
        <TableBox label={props.title}>
          <table>
            <tbody>
              {props.counts.map(([name, value]) => (
                <tr key={name}>
                  <th scope="row">{name}</th>
                  <td class="figures number">{value}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </TableBox>
      )}
    </section>
  );
}

import type { CutOff, Viewer } from '../api/types';
import { viewers as words } from '../text';
import { dateTime, time } from '../ui/format';

/** What organizations have open right now. */
export function OpenNow(props: { list: readonly Viewer[] }) {
  if (props.list.length === 0) return null;
  return (
    <section data-testid="viewers">
      <h2>{words.now}</h2>
      <ul class="rows">
        {props.list.map((v) => (
          <li key={`${v.org_name}-${v.stream}-${v.since}`} class="row row-access" data-testid="viewer">
            <span>{words.line(v.org_name, words.streams[v.stream])}</span>
            <span class="quiet figures">{words.since(time(v.since))}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}

/**
 * What was open when something ended, while this page was looking: each with the time from that until its
 * last byte, as the server that sent it measured it.
 */
export function CutOffs(props: { list: readonly CutOff[]; closing: readonly Viewer[] }) {
  if (props.list.length === 0 && props.closing.length === 0) return null;
  return (
    <section class="card" data-testid="cut-offs">
      <h2>{words.title}</h2>
      <ul class="cut-offs" aria-live="polite">
        {props.closing.map((v) => (
          <li key={`closing-${v.org_name}-${v.stream}-${v.since}`} class="cut-off cut-off-closing">
            {words.closing(v.org_name, words.streams[v.stream])}
          </li>
        ))}
        {props.list.map((c) => (
          <CutOffLine key={`${c.at}-${c.org_name}-${c.stream}`} cutOff={c} />
        ))}
      </ul>
      <p class="quiet">{words.honest}</p>
    </section>
  );
}

export function CutOffLine(props: { cutOff: CutOff; dated?: boolean }) {
  const { org_name, stream, after_ms, at, cause } = props.cutOff;
  const what = words.streams[stream];
  return (
    <li class="cut-off" data-testid="cut-off">
      {after_ms === undefined
        ? words.stoppedSometime(org_name, what)
        : words.stopped(org_name, what, after_ms)}
      {props.dated && (
        <span class="quiet">
          {' '}
          {words.because[cause]}, {dateTime(at)}
        </span>
      )}
    </li>
  );
}

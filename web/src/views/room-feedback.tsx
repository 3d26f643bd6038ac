import { useEffect } from 'preact/hooks';
import { eventsUrl } from '../api/endpoints';
import { listen } from '../api/events';
import { api } from '../state';
import { room as words } from '../text';
import { Loaded, useLoad } from '../ui/load';
import { QuestionPanel } from './report-question';

/**
 * Practice mode: what was counted and rated in the answer before, folded until somebody wants it.
 * Nobody should have to look at it while they think.
 */
export function RoomFeedback(props: { id: string; index: number }) {
  const previous = props.index - 1;
  const report = useLoad((signal) => api.report(props.id, { signal }), `${props.id}/${previous}`);
  useEffect(() => {
    const leaving = new AbortController();
    listen(eventsUrl('sessions', props.id), leaving.signal, { results: report.reload }, () => undefined);
    return () => leaving.abort();
  }, [props.id]);
  return (
    <details class="feedback" data-testid="room-feedback">
      <summary>{words.feedback}</summary>
      <Loaded of={report}>
        {(r) => (
          <QuestionPanel
            report={r}
            place={r.questions.findIndex((q) => q.index === previous)}
            takePlace={-1}
            onTake={() => undefined}
            onPlay={null}
            onRated={report.reload}
          />
        )}
      </Loaded>
    </details>
  );
}

import { useEffect } from 'preact/hooks';
import { eventsUrl } from '../api/endpoints';
import { listen } from '../api/events';
import { api } from '../state';
import { room as words } from '../text';
import { Loaded, useLoad } from '../ui/load';
import { QuestionPanel } from './report-question';
import { useOwnRatings } from './use-own-ratings';

/**
 * Practice mode: what was counted and rated in the answer to the question. It is open while it is reviewed;
 * later it is folded until somebody wants it, for nobody should have to look at it while they think.
 */
export function RoomFeedback(props: { id: string; index: number; reviewing?: boolean }) {
  const answered = props.index;
  const report = useLoad((signal) => api.report(props.id, { signal }), `${props.id}/${answered}`);
  const ratings = useOwnRatings(props.id, async (place, level) => {
    await api.rateSelf(props.id, place.question, place.take, place.competency, level);
    report.reload();
  });
  useEffect(() => {
    const leaving = new AbortController();
    listen(eventsUrl('sessions', props.id), leaving.signal, { results: report.reload }, report.reload);
    return () => leaving.abort();
  }, [props.id]);
  return (
    <details class="feedback" data-testid="room-feedback" open={props.reviewing}>
      <summary>{props.reviewing ? words.feedbackNow : words.feedback}</summary>
      <Loaded of={report}>
        {(r) => (
          <QuestionPanel
            report={r}
            place={r.questions.findIndex((q) => q.index === answered)}
            takePlace={-1}
            onTake={() => undefined}
            onPlay={null}
            onRated={report.reload}
            ratings={ratings}
          />
        )}
      </Loaded>
    </details>
  );
}

import { useMemo, useRef, useState } from 'preact/hooks';
import type { Report, Session } from '../api/types';
import { api } from '../state';
import { home, report as words } from '../text';
import { ModelAgreement } from '../ui/agreement';
import type { ContestDrafts } from '../ui/contest';
import { Corrections } from '../ui/corrections';
import { ErrorBox } from '../ui/errors';
import { clock, dateTime } from '../ui/format';
import { Loaded, useLoad } from '../ui/load';
import { Page } from '../ui/page';
import { ReportBody } from './report-body';
import { hasModelRating, isAnswered, isPending, judged } from './report-model';
import { sessionPath } from './steps';
import { useOwnRatings } from './use-own-ratings';
import { isNotForYou, useReportEvents } from './use-report-events';

export function ReportView(props: { id: string }) {
  const [round, setRound] = useState(0);
  const page = useLoad(async (signal) => {
    const call = { signal };
    const [session, report] = await Promise.all([api.session(props.id, call), api.report(props.id, call)]);
    return { session, report };
  }, `${props.id}/${round}`); // another round is another key: nothing of the one before is shown while it loads
  // Nothing stays on the screen of whoever may not read it any more: logged out elsewhere, erased, held.
  const shut = isNotForYou(page.error);
  useReportEvents(props.id, shut, page.reload, () => setRound((n) => n + 1));
  const drafts = useRef<ContestDrafts>(new Map());
  const corrections = useMemo(() => new Corrections((changed) => api.correct(props.id, changed)), [props.id]);
  const ratings = useOwnRatings(props.id, async (place, level) => {
    await api.rateSelf(props.id, place.question, place.take, place.competency, level);
    page.reload();
  });
  if (shut) {
    return (
      <Page title={words.title('')} wide>
        <ErrorBox error={page.error} retry={page.reload} />
      </Page>
    );
  }
  const title = page.value?.report.role_title ?? '';
  return (
    <Page title={words.title(title)} wide>
      <Loaded of={page} lines={8}>
        {({ session, report }) => (
          <>
            <Summary session={session} report={report} />
            <ReportBody
              id={props.id}
              origin="sessions"
              report={report}
              onRated={page.reload}
              ratings={ratings}
              drafts={drafts.current}
              corrections={corrections}
              restricted={Boolean(session.restricted_at)}
              unwritten={!session.consents.transcription}
            />
          </>
        )}
      </Loaded>
    </Page>
  );
}

/** Three sentences: what was answered, what was kept, who rated. */
function Summary(props: { session: Session; report: Report }) {
  const { session, report } = props;
  const answered = report.questions.filter(isAnswered).length;
  const open = ['scheduled', 'consented', 'live'].includes(session.state);
  return (
    <section class="summary">
      {open && (
        <p class="note note-row">
          {words.notYet}
          <a class="button" href={sessionPath(session)}>
            {words.toRoom}
          </a>
        </p>
      )}
      {session.restricted_at && (
        <p class="note note-row" data-testid="restricted">
          {words.restricted}
          <a class="button" href={`/sessions/${encodeURIComponent(session.id)}/sharing`}>
            {words.sharing}
          </a>
        </p>
      )}
      <p data-testid="summary">
        {words.answered(answered, report.questions.length, clock(report.length_ms))}{' '}
        <span class="no-print">{recordingWords(report)}</span>{' '}
        {ratingWords(report, Boolean(session.restricted_at))}
      </p>
      <p class="quiet">
        {report.ended_at ? `${dateTime(report.ended_at)}. ` : ''}
        {words.judgedBy(
          report.judged_by.transcriber.engine,
          report.judged_by.assessor.model,
          report.judged_by.assessor.second_model ?? '',
        )}
        {report.label && !report.agreement ? ` ${words.labelWhy}` : ''}
      </p>
      {report.agreement && <ModelAgreement of={report.agreement} />}
      <p class="actions no-print">
        <a
          class="button"
          href={`/sessions/${encodeURIComponent(session.id)}/sharing`}
          data-testid="to-sharing"
        >
          {words.sharing}
        </a>
        <button type="button" class="button button-quiet" onClick={() => print()}>
          {words.print}
        </button>
        <a class="button button-quiet" href="/home">
          {home.title}
        </a>
      </p>
    </section>
  );
}

function recordingWords(report: Report): string {
  if (!report.recording) return words.recordedNo;
  return report.recording.available ? words.recordedYes : words.recordedPending;
}

function ratingWords(report: Report, restricted: boolean): string {
  if (isPending(report)) return restricted ? '' : words.ratingPending;
  const { model } = report.judged_by.assessor;
  const { given, of } = judged(report);
  const rated = report.agreement ? words.ratedMeasured(model) : words.rated(model);
  const missing = of > given ? words.notJudged(of - given, of) : '';
  return [hasModelRating(report) ? rated : '', missing, given === 0 ? words.noRatingAtAll : ''].join(' ');
}

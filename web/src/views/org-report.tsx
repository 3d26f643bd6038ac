import { useEffect, useState } from 'preact/hooks';
import { whenSeen } from '../api/again';
import { ApiError } from '../api/client';
import { eventsUrl } from '../api/endpoints';
import { listen } from '../api/events';
import type { Report } from '../api/types';
import { api } from '../state';
import { artefacts, purposes, report as reportWords, scopes, org as words } from '../text';
import { ModelAgreement } from '../ui/agreement';
import { clock, dateTime, listed } from '../ui/format';
import { type Load, Loaded, useLoad } from '../ui/load';
import { Page } from '../ui/page';
import { endOfAccess } from './end-of-access';
import { OrgMessage } from './org-message';
import { RateFirst } from './org-rate-first';
import { OrgReceipts } from './receipts';
import { ReportBody } from './report-body';
import { isAnswered } from './report-model';
import { useOwnRatings } from './use-own-ratings';

/**
 * What a candidate shared, for as long as it is shared. When that ends, or less is shared, the whole
 * content leaves the page at once (the player drops its source and buffer as it goes, see Player); only
 * then is the server asked what may still be seen.
 */
export function OrgReportView(props: { id: string }) {
  const [round, setRound] = useState(0);
  // Another round is another key: nothing of the round before is shown while it loads.
  const page = useLoad((signal) => api.sharedReport(props.id, { signal }), `${props.id}/${round}`);
  const end = () => setRound((n) => n + 1);
  const gone = page.error instanceof ApiError && page.error.status === 404;
  useEffect(() => {
    if (gone) return;
    const leaving = new AbortController();
    // A stream that is refused says nothing about why: the report itself does.
    listen(eventsUrl('shared', props.id), leaving.signal, { 'access.ended': end }, page.reload);
    return () => leaving.abort();
  }, [props.id, round, gone]);
  useEndOf(page, end);
  const ratings = useOwnRatings(props.id, (place, level, why) =>
    api.rateAnswer(props.id, place.question, place.take, place.competency, place.revision, level, why),
  );
  if (gone) {
    return <OrgMessage title={words.goneTitle} text={words.gone} back={words.toList} id="access-ended" />;
  }
  return (
    <Page title={words.bannerTitle(page.value?.role_title ?? '')} wide>
      <Loaded of={page} lines={8}>
        {(report) => (
          <>
            <Banner report={report} />
            {report.rating_form && !report.rating_form.closed && (
              <RateFirst session={report.session} ratings={ratings} onDone={page.reload} />
            )}
            <ReportBody id={props.id} origin="shared" report={report} onRated={null} ratings={ratings} />
            <OrgReceipts session={props.id} />
          </>
        )}
      </Loaded>
    </Page>
  );
}

/** The end date is kept by the server; the page does not outlive it either. After each answer it waits anew. */
function useEndOf(page: Load<Report>, onEnd: () => void): void {
  const { value, error, reload } = page;
  useEffect(() => {
    const end = endOfAccess(value?.authorization?.valid_until ?? '', Date.now());
    if (!end) return;
    // Past the end only an answer keeps the page; without one it goes.
    if (!end.ends && error === null) return whenSeen(reload, end.inMs);
    const timer = setTimeout(onEnd, end.inMs);
    return () => clearTimeout(timer);
  }, [value, error]);
}

function Banner(props: { report: Report }) {
  const { report } = props;
  const grant = report.authorization;
  const answered = report.questions.filter(isAnswered).length;
  return (
    <section class="summary">
      {grant && (
        <p class="note" data-testid="grant-banner">
          {words.banner(
            listed(grant.scopes.map((s) => scopes[s]?.short ?? s)),
            dateTime(grant.valid_until),
            purposes[grant.purpose].name.toLowerCase(),
          )}
        </p>
      )}
      <p>
        {report.candidate ? `${report.candidate}. ` : ''}
        {reportWords.answeredShared(answered, report.questions.length, clock(report.length_ms))}
        {report.label && !report.agreement ? ` ${reportWords.label}: ${reportWords.labelWhy}` : ''}
      </p>
      {report.agreement && <ModelAgreement of={report.agreement} />}
      {report.withheld && report.withheld.length > 0 && (
        <p class="quiet" data-testid="withheld">
          {words.withheldBody(listed(report.withheld.map((w) => artefacts[w] ?? w)))}
        </p>
      )}
    </section>
  );
}

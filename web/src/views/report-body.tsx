import { useRef, useState } from 'preact/hooks';
import type { Origin } from '../api/endpoints';
import { captionsUrl, recordingUrl } from '../api/endpoints';
import type { Report } from '../api/types';
import { correct, report as words } from '../text';
import type { ContestDrafts } from '../ui/contest';
import { CorrectTranscript } from '../ui/correct';
import { CorrectedNote } from '../ui/corrected';
import type { Corrections } from '../ui/corrections';
import type { OwnRatings } from '../ui/own-ratings';
import type { PlayerHandle } from '../ui/player';
import { Player } from '../ui/player';
import { Standings } from '../ui/standings';
import { Timeline } from '../ui/timeline';
import { Transcript } from '../ui/transcript';
import { allFlagged, allLines, bands, hasTranscript } from './report-model';
import { PrintedQuestions } from './report-printed';
import { QuestionPanel, QuestionTabs } from './report-question';

export interface ReportBodyProps {
  id: string;
  origin: Origin;
  report: Report;
  onRated: (() => void) | null;
  ratings: OwnRatings; // the reader's own
  drafts?: ContestDrafts; // of the candidate's contests
  corrections?: Corrections; // the candidate's
  restricted?: boolean; // the candidate keeps it to themselves
  unwritten?: boolean; // the candidate did not agree to have words written down
}

/** Player, time line and transcript on the left; the chosen question on the right. */
export function ReportBody(props: ReportBodyProps) {
  const { report, origin, id } = props;
  const [chosen, setChosen] = useState({ question: 0, take: -1 });
  const [atMs, setAtMs] = useState(0);
  const player = useRef<PlayerHandle>(null);
  const recording = report.recording?.available ? report.recording : null;
  // The snapshot that is playing stays; a longer one is offered, not forced on the listener.
  const [through, setThrough] = useState(recording?.through ?? 0);
  if (recording && through === 0) setThrough(recording.through);
  const lines = allLines(report);
  // Words that were written down before are there also where no more may be.
  const written = hasTranscript(report) && !(props.unwritten && lines.length === 0);
  const play = recording ? (ms: number, untilMs?: number) => player.current?.playFrom(ms, untilMs) : null;
  const { onRated } = props;
  const corrections = report.ended_at === undefined ? undefined : props.corrections;
  const question = report.questions[chosen.question];
  const take = question?.takes[chosen.take] ?? question?.takes[question.takes.length - 1];
  const evidence = take?.evidence ?? [];
  const hasBands = bands(report).length > 0;
  return (
    <div class="report">
      <div class="report-main">
        {recording && through > 0 ? (
          <Player
            src={recordingUrl(origin, id, through)}
            captions={written ? captionsUrl(origin, id) : null}
            video={recording.video}
            onTime={setAtMs}
            handle={player}
          />
        ) : (
          origin === 'sessions' && (
            <p class="card quiet" data-testid="no-player">
              {report.recording ? words.recordedPending : words.noPlayer}
            </p>
          )
        )}
        {recording && recording.through > through && (
          <p class="note note-row">
            {words.newer}
            <button type="button" class="button" onClick={() => setThrough(recording.through)}>
              {words.loadNewer}
            </button>
          </p>
        )}
        {hasBands && (
          <Timeline
            report={report}
            chosen={chosen.question}
            atMs={atMs}
            evidence={evidence}
            onBand={(q, t, startMs) => {
              const place = report.questions[q]?.takes.findIndex((other) => other.take === t) ?? -1;
              setChosen({ question: q, take: place });
              play?.(startMs);
            }}
          />
        )}
        <Standings report={report} />
        {(written || onRated !== null) && (
          <section>
            <h2>{words.transcript}</h2>
            {written ? (
              <Transcript
                lines={lines}
                atMs={atMs}
                evidence={evidence}
                flagged={allFlagged(report)}
                onPlay={play}
              />
            ) : (
              <p class="quiet">{words.noTranscript}</p>
            )}
            <CorrectedNote lines={report.loose ?? []} own={onRated !== null} />
            {corrections && onRated && (
              <CorrectTranscript
                about="loose"
                title={correct.openLoose}
                lines={report.loose ?? []}
                corrections={corrections}
                onPlay={play}
                onDone={onRated}
              />
            )}
          </section>
        )}
      </div>
      <div class="report-side">
        <QuestionTabs
          report={report}
          chosen={chosen.question}
          onChoose={(place) => setChosen({ question: place, take: -1 })}
        />
        <QuestionPanel
          report={report}
          place={chosen.question}
          takePlace={chosen.take}
          onTake={(place) => setChosen({ ...chosen, take: place })}
          onPlay={play}
          atMs={atMs}
          onRated={onRated}
          ratings={props.ratings}
          restricted={props.restricted === true}
          {...(corrections && { corrections })}
          {...(props.drafts && { drafts: props.drafts })}
        />
      </div>
      <PrintedQuestions report={report} own={onRated !== null} />
    </div>
  );
}

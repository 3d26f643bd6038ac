import { useEffect, useRef, useState } from 'preact/hooks';
import type { Question, Report, Take } from '../api/types';
import { contest as contestWords, correct as correctWords, org, report as words } from '../text';
import type { ContestDrafts } from '../ui/contest';
import { ContestForm } from '../ui/contest';
import { CorrectTranscript } from '../ui/correct';
import { CorrectedNote } from '../ui/corrected';
import type { Corrections } from '../ui/corrections';
import { FeedbackList } from '../ui/feedback';
import { FlaggedNote } from '../ui/flagged';
import { FollowUpNote } from '../ui/follow-up';
import { Levels } from '../ui/levels';
import { Measurements } from '../ui/measurements';
import type { OwnRatings } from '../ui/own-ratings';
import { PersonRating } from '../ui/person-rating';
import { SelfRating } from '../ui/self-rating';
import { competencyResults, pendingWords, quotesWithheld } from './report-model';

export interface QuestionPanelProps {
  report: Report;
  place: number; // in report.questions
  takePlace: number;
  onTake: (place: number) => void;
  onPlay: ((ms: number, untilMs?: number) => void) | null;
  atMs?: number; // where the recording is; absent in the room, where nothing is contested yet
  onRated: (() => void) | null; // null: an employer, who cannot rate for the candidate
  ratings?: OwnRatings; // the reader's own: an employer's, or the candidate's of themselves
  drafts?: ContestDrafts; // absent in the room, where nothing is contested yet
  corrections?: Corrections; // the candidate's, of an interview that is over
  restricted?: boolean; // the candidate keeps it to themselves: nobody works on it
}

export function QuestionTabs(props: { report: Report; chosen: number; onChoose: (place: number) => void }) {
  return (
    <fieldset class="tabs">
      <legend class="visually-hidden">{words.questionsLabel}</legend>
      {props.report.questions.map((q, place) => (
        <button
          type="button"
          key={q.index}
          class={place === props.chosen ? 'tab tab-on' : 'tab'}
          aria-pressed={place === props.chosen}
          aria-label={words.questionTab(q.index + 1)}
          onClick={() => props.onChoose(place)}
          data-testid={`question-tab-${q.index}`}
        >
          {q.index + 1}
        </button>
      ))}
    </fieldset>
  );
}

export function QuestionPanel(props: QuestionPanelProps) {
  const question = props.report.questions[props.place];
  if (!question) return null;
  const take = question.takes[props.takePlace] ?? question.takes[question.takes.length - 1];
  return (
    <section class="card question-panel" data-testid="question-panel">
      <h2 class="question-small">{question.text}</h2>
      {question.takes.length > 1 && (
        <fieldset class="tabs">
          <legend class="visually-hidden">{words.takesLabel}</legend>
          {question.takes.map((t, place) => (
            <button
              type="button"
              key={t.take}
              class={t === take ? 'tab tab-on' : 'tab'}
              aria-pressed={t === take}
              onClick={() => props.onTake(place)}
            >
              {words.takeTab(t.take)}
            </button>
          ))}
        </fieldset>
      )}
      {take ? (
        <TakePanel key={`${question.index}-${take.take}`} {...props} question={question} take={take} />
      ) : (
        <p>{words.notAnswered}</p>
      )}
    </section>
  );
}

function TakePanel(props: QuestionPanelProps & { question: Question; take: Take }) {
  const { report, question, take, onRated } = props;
  const results = competencyResults(report, question, take);
  const others = results.flatMap((r) => r.others);
  const rated = others.some((r) => !r.before_correction);
  const ratedBefore = others.length > 0 || results.some((r) => r.earlier.length > 0); // the words were corrected since
  const own = onRated !== null;
  const form = report.rating_form !== undefined && !report.rating_form.closed;
  const skipped = take.ended_by === 'skip';
  const rates = (form && !skipped && props.ratings) || null;
  const [contested, setContested] = useState(''); // by a click here: its note takes the focus
  const heading = useFocusAfter<HTMLHeadingElement>(form);
  const counted = take.measurements && take.measurements.length > 0 && (
    <section class="stack-tight">
      <h3>{words.measurements}</h3>
      <Measurements list={take.measurements} />
    </section>
  );
  return (
    <>
      <FollowUpNote take={take} />
      {own && take.ended_by && <p class="quiet">{words.endedBy[take.ended_by]}</p>}
      {!own && skipped && <p>{words.notAnswered}</p>}
      <div aria-live="polite">
        {take.pending && (
          <p class="note" data-testid="pending">
            {pendingWords(props.restricted === true)}
          </p>
        )}
      </div>
      <CorrectedNote lines={take.lines ?? []} own={own} />
      {props.corrections && own && (
        <CorrectTranscript
          about={`${question.index}-${take.take}`}
          title={correctWords.open}
          lines={take.lines ?? []}
          corrections={props.corrections}
          onPlay={props.onPlay}
          onDone={onRated}
        />
      )}
      {!rated && !ratedBefore && !take.pending && !form && (own || !skipped) && (
        <p data-testid="no-rating">{noRatingWords(own, take)}</p>
      )}
      {!rated && counted}
      <FlaggedNote take={take} results={results} own={own && props.atMs !== undefined} />
      {results.map((result, place) => (
        <article key={result.competency.id} class="competency">
          <h3 ref={place === 0 ? heading : null} tabIndex={-1}>
            {result.competency.name}
          </h3>
          <p class="quiet">{result.competency.definition}</p>
          {rates ? (
            <PersonRating
              competency={result.competency}
              rating={rates.of(
                {
                  question: question.index,
                  take: take.take,
                  competency: result.competency.id,
                  revision: take.revision ?? 0,
                },
                result.others.find((r) => r.yours && !r.before_correction) ?? null,
              )}
              before={result.others.find((r) => r.yours && r.before_correction) ?? null}
              closing={rates.closing.value}
            />
          ) : (
            <Levels
              result={result}
              label={report.label ?? null}
              onPlay={props.onPlay}
              justContested={contested === result.competency.id}
              quotesWithheld={quotesWithheld(report)}
            />
          )}
          {rates && result.contest && <p class="note">{contestWords.second}</p>}
          {own &&
            props.atMs !== undefined &&
            props.drafts &&
            !take.pending &&
            !result.contest &&
            result.others.length > 0 && (
              <ContestForm
                session={report.session}
                question={question.index}
                take={take.take}
                competency={result.competency.id}
                atMs={props.onPlay ? props.atMs : null}
                drafts={props.drafts}
                onDone={() => {
                  setContested(result.competency.id);
                  onRated();
                }}
              />
            )}
          {own && props.ratings && (
            <SelfDetails open={!rated}>
              <SelfRating
                competency={result.competency}
                rating={props.ratings.of(
                  {
                    question: question.index,
                    take: take.take,
                    competency: result.competency.id,
                    revision: 0, // of what they said themselves, whatever was written down
                  },
                  result.self,
                )}
              />
            </SelfDetails>
          )}
        </article>
      ))}
      <FeedbackList take={take} onPlay={props.onPlay} />
      {rated && counted}
    </>
  );
}

/** Once the form is over, what was behind it takes the focus: its button is gone. */
function useFocusAfter<T extends HTMLElement>(form: boolean) {
  const target = useRef<T>(null);
  const before = useRef(form);
  useEffect(() => {
    if (before.current && !form) target.current?.focus();
    before.current = form;
  }, [form]);
  return target;
}

function noRatingWords(own: boolean, take: Take): string {
  if (!own) return org.noLevels;
  return take.measurements?.length ? words.noRating : words.noRatingNoCounts;
}

function SelfDetails(props: { open: boolean; children: preact.ComponentChildren }) {
  const [open] = useState(props.open); // decided once: it must not fold while somebody reads
  return (
    <details open={open}>
      <summary>{words.selfTitle}</summary>
      {props.children}
    </details>
  );
}

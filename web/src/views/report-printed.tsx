import { render } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import type { Question, Report, Take } from '../api/types';
import { report as words } from '../text';
import { CorrectedNote } from '../ui/corrected';
import { FeedbackList } from '../ui/feedback';
import { FlaggedNote } from '../ui/flagged';
import { FollowUpNote } from '../ui/follow-up';
import { Levels } from '../ui/levels';
import { Measurements } from '../ui/measurements';
import { competencyResults, quotesWithheld } from './report-model';

/**
 * The screen shows one question at a time, paper shows them all. They are made only for printing, and at
 * once: the browser takes the page as it is when its event ends.
 */
export function PrintedQuestions(props: { report: Report; own: boolean }) {
  const box = useRef<HTMLDivElement>(null);
  const latest = useRef(props.report);
  latest.current = props.report;
  useEffect(() => {
    const leaving = new AbortController();
    const options = { signal: leaving.signal };
    const show = (report: Report | null) => {
      if (box.current) render(report && <All report={report} own={props.own} />, box.current);
    };
    addEventListener('beforeprint', () => show(latest.current), options);
    addEventListener('afterprint', () => show(null), options);
    return () => {
      show(null);
      leaving.abort();
    };
  }, []);
  return <div class="print-only" ref={box} />;
}

function All(props: { report: Report; own: boolean }) {
  return (
    <>
      {props.report.questions.map((question) => (
        <section key={question.index} class="printed">
          <p class="eyebrow">{words.questionTab(question.index + 1)}</p>
          <h2 class="question-small">{question.text}</h2>
          {question.takes.length === 0 && <p>{words.notAnswered}</p>}
          {question.takes.map((take) => (
            <PrintedTake
              key={take.take}
              report={props.report}
              question={question}
              take={take}
              own={props.own}
            />
          ))}
        </section>
      ))}
    </>
  );
}

export function PrintedTake(props: { report: Report; question: Question; take: Take; own: boolean }) {
  const { report, question, take } = props;
  const results = competencyResults(report, question, take);
  return (
    <>
      {question.takes.length > 1 && <h3>{words.takeTab(take.take)}</h3>}
      <FollowUpNote take={take} />
      {take.ended_by === 'skip' && <p>{props.own ? words.endedBy.skip : words.notAnswered}</p>}
      <CorrectedNote lines={take.lines ?? []} own={props.own} />
      <FlaggedNote take={take} results={results} own={false} />
      {results
        .filter((r) => r.self || r.others.length + r.earlier.length > 0)
        .map((result) => (
          <article key={result.competency.id} class="competency">
            <h3>{result.competency.name}</h3>
            <Levels
              result={result}
              label={report.label ?? null}
              onPlay={null}
              quotesWithheld={quotesWithheld(report)}
            />
            {result.self?.level !== undefined && (
              <p>
                {words.selfTitle}: {words.level(result.self.level)}
              </p>
            )}
          </article>
        ))}
      <FeedbackList take={take} onPlay={null} />
      {take.measurements && take.measurements.length > 0 && <Measurements list={take.measurements} />}
    </>
  );
}

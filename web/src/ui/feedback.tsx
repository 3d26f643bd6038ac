import type { Evidence, Feedback, Take } from '../api/types';
import { report as words } from '../text';
import { measurementName } from '../views/report-model';
import { clock } from './format';

/** What a model says about the answer: each sentence with the words and counts that it rests on. */
export function FeedbackList(props: { take: Take; onPlay: ((ms: number) => void) | null }) {
  const { feedback, evidence } = props.take;
  if (feedback.length === 0) return null;
  return (
    <section class="stack-tight" data-testid="feedback">
      <h3>{words.feedbackTitle}</h3>
      <ul class="feedback">
        {feedback.map((item) => (
          <li key={item.text} class="rating">
            <p>
              <span class="label">{words.feedbackKinds[item.kind]}</span> {item.text}
            </p>
            <RestsOn item={item} evidence={evidence} onPlay={props.onPlay} />
          </li>
        ))}
      </ul>
      <p class="quiet rating-label">{words.feedbackBy}</p>
    </section>
  );
}

function RestsOn(props: {
  item: Feedback;
  evidence: readonly Evidence[];
  onPlay: ((ms: number) => void) | null;
}) {
  const { item, evidence, onPlay } = props;
  return (
    <ul class="raters" aria-label={words.restsOn}>
      {item.evidence.map((place) => {
        const start = evidence[place]?.start_ms;
        const quote = evidence[place]?.quote;
        if (!quote) return null;
        return (
          <li key={place}>
            {onPlay && start !== undefined ? (
              <button type="button" class="badge" onClick={() => onPlay(start)} data-testid="feedback-chip">
                “{quote}” <span class="figures">{clock(start)}</span>
              </button>
            ) : (
              <span class="badge">“{quote}”</span>
            )}
          </li>
        );
      })}
      {item.measurements.map((name) => (
        <li key={name} class="badge">
          {measurementName(name)}
        </li>
      ))}
    </ul>
  );
}

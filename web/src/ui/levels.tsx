import type { Evidence, Rating } from '../api/types';
import { report as words } from '../text';
import type { CompetencyResult } from '../views/report-model';
import { anchorText } from '../views/report-model';
import { clock } from './format';

const steps = [1, 2, 3, 4, 5] as const;

/** What models and people said about one competency, with the words it rests on. */
export function Levels(props: {
  result: CompetencyResult;
  label: string | null;
  onPlay: ((ms: number) => void) | null;
}) {
  const { competency, others, evidence } = props.result;
  return (
    <>
      {others.map((rating) => (
        <RatingBar
          key={`${rating.rater.kind}-${rating.rater.model ?? ''}-${rating.at}`}
          rating={rating}
          result={props.result}
          label={props.label}
        />
      ))}
      {(others.length > 0 || evidence.length > 0) && (
        <div class="evidence">
          <p class="label">{words.evidence}</p>
          {evidence.length === 0 && <p class="quiet">{words.noEvidence}</p>}
          <ul class="chips">
            {evidence.map((e) => (
              <Chip
                key={`${competency.id}-${e.epoch}-${e.sequence}-${e.first}-${e.last}-${e.polarity}`}
                evidence={e}
                onPlay={props.onPlay}
              />
            ))}
          </ul>
        </div>
      )}
    </>
  );
}

function RatingBar(props: { rating: Rating; result: CompetencyResult; label: string | null }) {
  const { rating, result } = props;
  const level = rating.outcome === 'level' ? rating.level : undefined;
  const model = rating.rater.kind === 'model';
  return (
    <div class="rating" data-testid={`rating-${result.competency.id}`}>
      <p class="rating-head">
        <span class="badge">
          {words.raters[rating.rater.kind]}
          {rating.rater.model ? ` · ${rating.rater.model}` : ''}
        </span>
        {level !== undefined && <strong>{words.level(level)}</strong>}
      </p>
      {level !== undefined && (
        <>
          <div class="bar" aria-hidden="true">
            {steps.map((step) => (
              <span
                key={step}
                class={step === level ? 'step step-on' : 'step'}
                title={anchorText(result.competency, step) ?? undefined}
              >
                {step}
              </span>
            ))}
          </div>
          {anchorText(result.competency, level) && (
            <p class="quiet">{anchorText(result.competency, level)}</p>
          )}
        </>
      )}
      {rating.outcome === 'not_observed' && <p>{words.notObserved}</p>}
      {rating.outcome === 'not_assessable' && <p>{words.notAssessable(rating.reason ?? '')}</p>}
      {rating.why_not_higher && <Why title={words.whyNotHigher} text={rating.why_not_higher} />}
      {rating.why_not_lower && <Why title={words.whyNotLower} text={rating.why_not_lower} />}
      {model && props.label && <p class="quiet rating-label">{capital(props.label)}</p>}
    </div>
  );
}

function Why(props: { title: string; text: string }) {
  return (
    <p>
      <span class="label">{props.title}</span> {props.text}
    </p>
  );
}

/** A chip shows the words the server rendered and plays their moment. */
function Chip(props: { evidence: Evidence; onPlay: ((ms: number) => void) | null }) {
  const { evidence, onPlay } = props;
  const start = evidence.start_ms;
  const part = words.parts[evidence.part] ?? '';
  const body = (
    <>
      <span class={`chip-mark chip-${evidence.polarity}`}>
        {words[evidence.polarity]}
        {part ? ` · ${part}` : ''}
      </span>
      <span class="chip-quote">{evidence.quote ? `“${evidence.quote}”` : words.quoteWithheld}</span>
      {start !== undefined && <span class="figures chip-time">{clock(start)}</span>}
    </>
  );
  return (
    <li>
      {onPlay && start !== undefined ? (
        <button type="button" class="chip" onClick={() => onPlay(start)} data-testid="evidence-chip">
          {body}
        </button>
      ) : (
        <span class="chip" data-testid="evidence-chip">
          {body}
        </span>
      )}
    </li>
  );
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

import { useEffect } from 'preact/hooks';
import type { Competency } from '../api/types';
import { app, report as words } from '../text';
import { anchorText } from '../views/report-model';
import { ErrorBox } from './errors';
import type { OwnRating } from './own-ratings';

export interface SelfRatingProps {
  competency: Competency;
  rating: OwnRating;
}

const steps = [1, 2, 3, 4, 5] as const;

/** Five steps with the written anchors at 1, 3 and 5. A level is stored once it stands. */
export function SelfRating(props: SelfRatingProps) {
  const { competency, rating } = props;
  const level = rating.level.value;
  const error = rating.error.value;
  const leave = () => void rating.leave();
  useEffect(() => leave, [rating]);
  return (
    <fieldset class="self-rating" data-testid={`self-rating-${competency.id}`}>
      <legend>{words.selfQuestion(competency.name)}</legend>
      {steps.map((step) => (
        <label key={step} class={level === step ? 'anchor anchor-on' : 'anchor'}>
          <input
            type="radio"
            name={`self-${competency.id}`}
            checked={level === step}
            onChange={() => rating.choose(step)}
            data-testid={`self-${competency.id}-${step}`}
          />
          <span class="anchor-step">{step}</span>
          <span class={anchorText(competency, step) ? 'anchor-text' : 'anchor-text quiet'}>
            {anchorText(competency, step) ?? words.selfBetween}
          </span>
        </label>
      ))}
      <p class="quiet" role="status">
        {rating.state.value === 'saved' && !rating.unsaved ? `${app.saved}. ` : ''}
        {words.selfHint}
      </p>
      {error !== null && <ErrorBox error={error} retry={leave} />}
    </fieldset>
  );
}

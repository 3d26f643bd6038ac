import { useEffect } from 'preact/hooks';
import type { Competency, Rating } from '../api/types';
import { app, rateFirst as words } from '../text';
import { anchorText } from '../views/report-model';
import { ErrorBox } from './errors';
import { Field } from './field';
import type { OwnRating } from './own-ratings';

export interface PersonRatingProps {
  competency: Competency;
  rating: OwnRating;
  before: Rating | null; // what the same person gave before the words were corrected
  closing: boolean; // nothing changes while the form closes
}

/** 0 stands for: the answer shows nothing about it. */
const steps = [1, 2, 3, 4, 5, 0] as const;
const LONGEST_WHY = 400;

/** The same anchors as for everybody. A level is stored once it stands, the sentence when it is left. */
export function PersonRating(props: PersonRatingProps) {
  const { competency, rating } = props;
  const level = rating.level.value;
  const error = rating.error.value;
  const leave = () => void rating.leave();
  useEffect(() => leave, [rating]);
  return (
    <fieldset
      class="self-rating"
      disabled={props.closing}
      onFocusOut={(event) => {
        if (!isWithin(event.currentTarget, event.relatedTarget)) leave();
      }}
      data-testid={`person-rating-${competency.id}`}
    >
      <legend>{words.question(competency.name)}</legend>
      {props.before && level === null && (
        <p class="note" data-testid={`person-before-${competency.id}`}>
          {words.before(props.before.level ?? 0)}
        </p>
      )}
      {steps.map((step) => (
        <label key={step} class={level === step ? 'anchor anchor-on' : 'anchor'}>
          <input
            type="radio"
            name={`person-${competency.id}`}
            checked={level === step}
            onChange={() => rating.choose(step)}
            data-testid={`person-${competency.id}-${step}`}
          />
          <span class="anchor-step">{step === 0 ? '–' : step}</span>
          <span class={anchorText(competency, step) ? 'anchor-text' : 'anchor-text quiet'}>
            {step === 0 ? words.nothing : (anchorText(competency, step) ?? words.between)}
          </span>
        </label>
      ))}
      <div onFocusOut={leave}>
        <Field
          label={words.why}
          value={rating.why.value}
          onValue={(why) => rating.write(why)}
          maxLength={LONGEST_WHY}
          required={false}
          hint={level === null ? words.whyLater : words.whyHint}
          testId={`person-why-${competency.id}`}
        />
      </div>
      <p class="quiet" role="status">
        {rating.state.value === 'saved' && !rating.unsaved ? `${app.saved}. ` : ''}
      </p>
      {error !== null && <ErrorBox error={error} retry={leave} />}
    </fieldset>
  );
}

function isWithin(box: Element, target: EventTarget | null): boolean {
  return target instanceof Node && box.contains(target);
}

import { useState } from 'preact/hooks';
import type { Competency } from '../api/types';
import { api } from '../state';
import { app, report as words } from '../text';
import { anchorText } from '../views/report-model';
import { ErrorBox } from './errors';

export interface SelfRatingProps {
  session: string;
  question: number;
  take: number;
  competency: Competency;
  level: number | null;
  onRated: () => void;
}

const steps = [1, 2, 3, 4, 5] as const;

/** Five steps with the written anchors at 1, 3 and 5. Choosing stores at once. */
export function SelfRating(props: SelfRatingProps) {
  const { competency } = props;
  const [level, setLevel] = useState(props.level);
  const [state, setState] = useState<'idle' | 'saved'>('idle');
  const [error, setError] = useState<unknown>(null);
  const rate = async (next: number) => {
    const before = level;
    setLevel(next);
    setState('idle');
    setError(null);
    try {
      await api.rateSelf(props.session, props.question, props.take, competency.id, next);
      setState('saved');
      props.onRated();
    } catch (cause) {
      setLevel(before);
      setError(cause);
    }
  };
  return (
    <fieldset class="self-rating" data-testid={`self-rating-${competency.id}`}>
      <legend>{words.selfQuestion(competency.name)}</legend>
      {steps.map((step) => (
        <label key={step} class={level === step ? 'anchor anchor-on' : 'anchor'}>
          <input
            type="radio"
            name={`self-${competency.id}`}
            checked={level === step}
            onChange={() => rate(step)}
            data-testid={`self-${competency.id}-${step}`}
          />
          <span class="anchor-step">{step}</span>
          <span class={anchorText(competency, step) ? 'anchor-text' : 'anchor-text quiet'}>
            {anchorText(competency, step) ?? words.selfBetween}
          </span>
        </label>
      ))}
      <p class="quiet" role="status">
        {state === 'saved' ? `${app.saved}. ` : ''}
        {words.selfHint}
      </p>
      {error !== null && <ErrorBox error={error} />}
    </fieldset>
  );
}

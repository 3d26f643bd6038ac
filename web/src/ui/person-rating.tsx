import { useState } from 'preact/hooks';
import type { Competency, Rating } from '../api/types';
import { api } from '../state';
import { app, rateFirst as words } from '../text';
import { anchorText } from '../views/report-model';
import { ErrorBox } from './errors';
import { Field } from './field';

export interface PersonRatingProps {
  session: string;
  question: number;
  take: number;
  competency: Competency;
  own: Rating | null;
}

/** 0 stands for: the answer shows nothing about it. */
const steps = [1, 2, 3, 4, 5, 0] as const;
const LONGEST_WHY = 400;

/** The same anchors as for everybody. Choosing stores at once; the sentence is stored when it is left. */
export function PersonRating(props: PersonRatingProps) {
  const { competency, own } = props;
  const [level, setLevel] = useState<number | null>(own ? (own.level ?? 0) : null);
  const [why, setWhy] = useState(own?.why ?? '');
  const [kept, setKept] = useState(own?.why ?? '');
  const [saved, setSaved] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const save = async (next: number) => {
    const before = level;
    setLevel(next);
    setSaved(false);
    setError(null);
    try {
      await api.rateAnswer(props.session, props.question, props.take, competency.id, next, why.trim());
      setKept(why);
      setSaved(true);
    } catch (cause) {
      setLevel(before);
      setError(cause);
    }
  };
  return (
    <fieldset class="self-rating" data-testid={`person-rating-${competency.id}`}>
      <legend>{words.question(competency.name)}</legend>
      {steps.map((step) => (
        <label key={step} class={level === step ? 'anchor anchor-on' : 'anchor'}>
          <input
            type="radio"
            name={`person-${competency.id}`}
            checked={level === step}
            onChange={() => save(step)}
            data-testid={`person-${competency.id}-${step}`}
          />
          <span class="anchor-step">{step === 0 ? '–' : step}</span>
          <span class={anchorText(competency, step) ? 'anchor-text' : 'anchor-text quiet'}>
            {step === 0 ? words.nothing : (anchorText(competency, step) ?? words.between)}
          </span>
        </label>
      ))}
      <div
        onFocusOut={() => {
          if (level !== null && why.trim() !== kept.trim()) save(level);
        }}
      >
        <Field
          label={words.why}
          value={why}
          onValue={setWhy}
          maxLength={LONGEST_WHY}
          hint={level === null ? words.whyLater : words.whyHint}
          testId={`person-why-${competency.id}`}
        />
      </div>
      <p class="quiet" role="status">
        {saved ? `${app.saved}. ` : ''}
      </p>
      {error !== null && <ErrorBox error={error} />}
    </fieldset>
  );
}

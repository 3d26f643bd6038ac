import type { Competency } from '../api/types';
import { anchorText } from '../views/report-model';

const steps = [1, 2, 3, 4, 5] as const;

/** A level as a filled step, and from the lowest to the highest rating as a line under it. The words beside it say the same. */
export function LevelBar(props: {
  level: number;
  low?: number | undefined;
  high?: number | undefined;
  competency: Competency;
}) {
  const { level, low, high, competency } = props;
  const wide = low !== undefined && high !== undefined && low < high;
  return (
    <div class="bar" aria-hidden="true">
      {steps.map((step) => (
        <span
          key={step}
          class={step === level ? 'step step-on' : 'step'}
          title={anchorText(competency, step) ?? undefined}
        >
          {step}
        </span>
      ))}
      {wide &&
        steps.map((s) => <span key={`r${s}`} class={s >= low && s <= high ? 'span span-on' : 'span'} />)}
    </div>
  );
}

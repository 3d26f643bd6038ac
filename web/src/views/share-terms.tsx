import type { Purpose, Scope } from '../api/types';
import { purposes, scopes, sharing as words } from '../text';
import { Choice } from '../ui/choice';
import { Field } from '../ui/field';
import { addDays, isoDay } from '../ui/format';

const SUGGESTED_DAYS = 30;
const LONGEST_DAYS = 179; // the end of that day is still within 180 days

export const scopeOrder = [
  'ratings',
  'feedback',
  'transcript',
  'recording.audio',
  'recording.video',
  'profile',
] as const;

/** The parts of a record that can be shared today: a new record has no others. */
export function sharable(parts: readonly string[]): Scope[] {
  return scopeOrder.filter((scope) => parts.includes(scope));
}

/** What an agreement says besides whom it is with. */
export interface Terms {
  purpose: Purpose;
  parts: readonly Scope[];
  until: string; // a local day
}

/** Nothing is ticked beforehand: every part is a decision. */
export function blankTerms(now: Date): Terms {
  return { purpose: 'practice_review', parts: [], until: isoDay(addDays(now, SUGGESTED_DAYS)) };
}

export function TermsFields(props: { terms: Terms; onTerms: (terms: Terms) => void }) {
  const { terms, onTerms } = props;
  const today = new Date();
  return (
    <>
      <fieldset>
        <legend>{words.purpose}</legend>
        <div class="choices">
          {(['practice_review', 'hiring'] as const).map((p) => (
            <Choice
              key={p}
              name="purpose"
              title={purposes[p].name}
              checked={p === terms.purpose}
              onChoose={() => onTerms({ ...terms, purpose: p })}
              testId={`share-purpose-${p}`}
            >
              <p>{purposes[p].body}</p>
            </Choice>
          ))}
        </div>
      </fieldset>
      <fieldset>
        <legend>{words.parts}</legend>
        <p class="hint">{words.partsHint}</p>
        <PartBoxes
          parts={terms.parts}
          onParts={(parts) => onTerms({ ...terms, parts })}
          testId="share-scope"
        />
      </fieldset>
      <Field
        label={words.until2}
        type="date"
        value={terms.until}
        onValue={(until) => onTerms({ ...terms, until })}
        min={isoDay(today)}
        max={isoDay(addDays(today, LONGEST_DAYS))}
        hint={words.untilHint}
        testId="share-until"
      />
    </>
  );
}

/** A box for every part that can be shared. */
export function PartBoxes(props: {
  parts: readonly Scope[];
  onParts: (parts: Scope[]) => void;
  testId: string;
}) {
  const { parts, onParts } = props;
  return (
    <>
      <div class="choices">
        {scopeOrder.map((scope) => (
          <Choice
            key={scope}
            type="checkbox"
            name="scope"
            title={scopes[scope]?.name ?? scope}
            checked={parts.includes(scope)}
            onChoose={(on) => onParts(on ? [...parts, scope] : parts.filter((p) => p !== scope))}
            testId={`${props.testId}-${scope}`}
          >
            <p>{scopes[scope]?.body}</p>
          </Choice>
        ))}
      </div>
      {parts.includes('feedback') && !parts.includes('transcript') && <p class="note">{words.quoteHint}</p>}
    </>
  );
}

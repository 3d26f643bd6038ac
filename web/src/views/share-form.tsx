import { useState } from 'preact/hooks';
import type { Organization, Purpose, Scope } from '../api/types';
import { api } from '../state';
import { purposes, scopes, sharing as words } from '../text';
import { Choice } from '../ui/choice';
import { ErrorBox } from '../ui/errors';
import { Field } from '../ui/field';
import { addDays, endOfDay, isoDay } from '../ui/format';

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

/** Nothing is ticked beforehand: every part is a decision. */
export function ShareForm(props: { id: string; organizations: Organization[]; onShared: () => void }) {
  const today = new Date();
  const [org, setOrg] = useState('');
  const [purpose, setPurpose] = useState<Purpose>('practice_review');
  const [parts, setParts] = useState<readonly Scope[]>([]);
  const [until, setUntil] = useState(isoDay(addDays(today, SUGGESTED_DAYS)));
  const [missing, setMissing] = useState('');
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  if (props.organizations.length === 0) {
    return (
      <section>
        <h2>{words.newTitle}</h2>
        <p>{words.noOrgs}</p>
      </section>
    );
  }
  const submit = async (event: Event) => {
    event.preventDefault();
    const gap = org === '' ? words.chooseOrgFirst : parts.length === 0 ? words.chooseParts : '';
    setMissing(gap);
    if (gap) return;
    setBusy(true);
    setError(null);
    try {
      await api.authorize(props.id, {
        org_id: org,
        purpose,
        scopes: [...parts],
        valid_until: endOfDay(until),
      });
      setParts([]);
      setOrg('');
      props.onShared();
    } catch (cause) {
      setError(cause);
    } finally {
      setBusy(false);
    }
  };
  return (
    <section class="card">
      <h2>{words.newTitle}</h2>
      <form class="form form-wide" onSubmit={submit}>
        <label class="field">
          <span class="label">{words.org}</span>
          <select value={org} onChange={(event) => setOrg(event.currentTarget.value)} data-testid="share-org">
            <option value="">{words.chooseOrg}</option>
            {props.organizations.map((o) => (
              <option key={o.id} value={o.id}>
                {o.name}
              </option>
            ))}
          </select>
        </label>
        <fieldset>
          <legend>{words.purpose}</legend>
          <div class="choices">
            {(['practice_review', 'hiring'] as const).map((p) => (
              <Choice
                key={p}
                name="purpose"
                title={purposes[p].name}
                checked={p === purpose}
                onChoose={() => setPurpose(p)}
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
          <div class="choices">
            {scopeOrder.map((scope) => (
              <Choice
                key={scope}
                type="checkbox"
                name="scope"
                title={scopes[scope]?.name ?? scope}
                checked={parts.includes(scope)}
                onChoose={(on) => setParts(on ? [...parts, scope] : parts.filter((p) => p !== scope))}
                testId={`share-scope-${scope}`}
              >
                <p>{scopes[scope]?.body}</p>
              </Choice>
            ))}
          </div>
          {parts.includes('feedback') && !parts.includes('transcript') && (
            <p class="note">{words.quoteHint}</p>
          )}
        </fieldset>
        <Field
          label={words.until2}
          type="date"
          value={until}
          onValue={setUntil}
          min={isoDay(today)}
          max={isoDay(addDays(today, LONGEST_DAYS))}
          hint={words.untilHint}
          testId="share-until"
        />
        {missing && (
          <p class="note note-needs" role="alert">
            {missing}
          </p>
        )}
        {error !== null && <ErrorBox error={error} />}
        <button type="submit" class="button button-primary" disabled={busy} data-testid="share-submit">
          {words.submit}
        </button>
        <p class="quiet">{words.replaces}</p>
      </form>
    </section>
  );
}

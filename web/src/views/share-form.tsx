import { useState } from 'preact/hooks';
import type { Organization } from '../api/types';
import { api } from '../state';
import { sharing as words } from '../text';
import { ErrorBox } from '../ui/errors';
import { endOfDay } from '../ui/format';
import { blankTerms, TermsFields } from './share-terms';

/** Nothing is ticked beforehand: every part is a decision. */
export function ShareForm(props: { id: string; organizations: Organization[]; onShared: () => void }) {
  const [org, setOrg] = useState('');
  const [terms, setTerms] = useState(() => blankTerms(new Date()));
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
    const gap = org === '' ? words.chooseOrgFirst : terms.parts.length === 0 ? words.chooseParts : '';
    setMissing(gap);
    if (gap) return;
    setBusy(true);
    setError(null);
    try {
      await api.authorize(props.id, {
        org_id: org,
        purpose: terms.purpose,
        scopes: [...terms.parts],
        valid_until: endOfDay(terms.until),
      });
      setTerms(blankTerms(new Date()));
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
        <OrganizationField list={props.organizations} org={org} onOrg={setOrg} />
        <TermsFields terms={terms} onTerms={setTerms} />
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

function OrganizationField(props: { list: Organization[]; org: string; onOrg: (org: string) => void }) {
  return (
    <label class="field">
      <span class="label">{words.org}</span>
      <select
        value={props.org}
        onChange={(event) => props.onOrg(event.currentTarget.value)}
        data-testid="share-org"
      >
        <option value="">{words.chooseOrg}</option>
        {props.list.map((o) => (
          <option key={o.id} value={o.id}>
            {o.name}
          </option>
        ))}
      </select>
    </label>
  );
}

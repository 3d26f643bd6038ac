import { useState } from 'preact/hooks';
import type { NewInvitation, Organization } from '../api/types';
import { api } from '../state';
import { sharing as words } from '../text';
import { Choice } from '../ui/choice';
import { ErrorBox } from '../ui/errors';
import { endOfDay } from '../ui/format';
import { blankTerms, TermsFields } from './share-terms';

type Way = 'org' | 'link';

/** One form for both ways to share: with an organization at once, or by a link whose user is confirmed later. */
export function ShareForm(props: {
  id: string;
  organizations: Organization[];
  said: string;
  onSaid: (sentence: string) => void;
  onInvited: (invitation: NewInvitation) => void;
}) {
  const [way, setWay] = useState<Way>(props.organizations.length === 0 ? 'link' : 'org');
  const [org, setOrg] = useState('');
  const [terms, setTerms] = useState(() => blankTerms(new Date()));
  const [missing, setMissing] = useState('');
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const submit = async (event: Event) => {
    event.preventDefault();
    const noOrg = way === 'org' && org === '';
    const gap = noOrg ? words.chooseOrgFirst : terms.parts.length === 0 ? words.chooseParts : '';
    setMissing(gap);
    if (gap) return;
    setBusy(true);
    setError(null);
    try {
      const agreed = {
        purpose: terms.purpose,
        scopes: [...terms.parts],
        valid_until: endOfDay(terms.until),
      };
      if (way === 'org') {
        await api.authorize(props.id, { org_id: org, ...agreed });
        props.onSaid(words.shared(props.organizations.find((o) => o.id === org)?.name ?? ''));
      } else props.onInvited(await api.invite(props.id, agreed));
      setTerms(blankTerms(new Date()));
      setOrg('');
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
        <fieldset>
          <legend>{words.whom}</legend>
          <div class="choices">
            {(['org', 'link'] as const).map((w) => (
              <Choice
                key={w}
                name="way"
                title={words.ways[w].name}
                checked={w === way}
                disabled={w === 'org' && props.organizations.length === 0}
                onChoose={() => setWay(w)}
                testId={`share-way-${w}`}
              >
                <p>{w === 'org' && props.organizations.length === 0 ? words.noOrgs : words.ways[w].body}</p>
              </Choice>
            ))}
          </div>
        </fieldset>
        {way === 'org' && <OrganizationField list={props.organizations} org={org} onOrg={setOrg} />}
        <TermsFields terms={terms} onTerms={setTerms} />
        {missing && (
          <p class="note note-needs" role="alert">
            {missing}
          </p>
        )}
        {error !== null && <ErrorBox error={error} />}
        <button type="submit" class="button button-primary" disabled={busy} data-testid="share-submit">
          {way === 'org' ? words.submit : words.submitLink}
        </button>
        {way === 'org' && <p class="quiet">{words.replaces}</p>}
        <p class="quiet" role="status">
          {props.said}
        </p>
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

import { me } from '../state';
import { privacy as words } from '../text';
import { Page } from '../ui/page';
import { ObjectionToAI } from './privacy-ai';
import { OwnSessions } from './privacy-own';
import { Statements } from './privacy-statements';
import { Retention } from './retention';

/** What is kept and by what rules, for anybody; for a candidate also what they can do about their own. */
export function PrivacyView() {
  return (
    <Page title={words.title} lead={words.lead}>
      {me.value?.kind === 'candidate' && (
        <>
          <section class="card">
            <h2>{words.data}</h2>
            <p>{words.dataBody}</p>
            <p class="actions">
              <a class="button" href="/privacy/data" data-testid="to-data">
                {words.dataLink}
              </a>
            </p>
          </section>
          <OwnSessions />
          <ObjectionToAI />
        </>
      )}
      {me.value === null && (
        <p>
          <a href="/login?next=/privacy">{words.anonymous}</a>
        </p>
      )}
      <section class="promises">
        <h2>{words.promises}</h2>
        <p>{words.promisesBody}</p>
        <Statements />
      </section>
      <Retention />
    </Page>
  );
}

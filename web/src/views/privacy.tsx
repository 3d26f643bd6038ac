import { me } from '../state';
import { privacy as words } from '../text';
import { Page } from '../ui/page';
import { OwnSessions } from './privacy-own';
import { Statements } from './privacy-statements';
import { Retention } from './retention';

/** What is kept and by what rules, for anybody; for a candidate also what they can do about their own. */
export function PrivacyView() {
  return (
    <Page title={words.title} lead={words.lead}>
      {me.value?.kind === 'candidate' && <OwnSessions />}
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

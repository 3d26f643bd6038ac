import { me } from '../state';
import { privacy as words } from '../text';
import { Page } from '../ui/page';
import { OwnSessions } from './privacy-own';
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
      <section>
        <h2>{words.kept}</h2>
        <ul class="prose">
          {words.keptBody.map((line) => (
            <li key={line}>{line}</li>
          ))}
        </ul>
        <p>{words.notDone}</p>
      </section>
      <Retention />
    </Page>
  );
}

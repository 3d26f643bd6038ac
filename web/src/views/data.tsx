import { api } from '../state';
import { data as words } from '../text';
import { Loaded, useLoad } from '../ui/load';
import { Page } from '../ui/page';
import { EmailForm } from './account-email';
import { NameForm } from './account-name';
import { Exports } from './data-exports';
import { Held } from './data-held';
import { ModelsAsked, SeenBy } from './data-seen';

/** Everything that is held about a candidate and who saw it, to look at, take along and correct. */
export function MyDataView() {
  const held = useLoad((signal) => api.myData({ signal }), 'my-data');
  return (
    <Page title={words.title} lead={words.lead}>
      <Exports asked={held.reload} />
      <Loaded of={held} lines={8}>
        {({ holdings, accesses, ai_calls }) => (
          <>
            <Held holdings={holdings} />
            <SeenBy first={accesses} />
            <ModelsAsked first={ai_calls} />
          </>
        )}
      </Loaded>
      <section>
        <h2>{words.correct}</h2>
        <p>{words.correctBody}</p>
      </section>
      <NameForm />
      <EmailForm />
    </Page>
  );
}

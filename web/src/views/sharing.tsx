import { api } from '../state';
import { sharing as words } from '../text';
import { dateTime } from '../ui/format';
import { Loaded, useLoad } from '../ui/load';
import { Page } from '../ui/page';
import { Accesses } from './accesses';
import { byPlace } from './record-words';
import { ShareForm } from './share-form';
import { Earlier, Standing } from './sharing-records';

export function SharingView(props: { id: string }) {
  const page = useLoad(async (signal) => {
    const call = { signal };
    const [session, organizations, authorizations, accesses] = await Promise.all([
      api.session(props.id, call),
      api.organizations(call),
      api.authorizations(props.id, call),
      api.accesses(props.id, call),
    ]);
    return {
      session,
      organizations: organizations.organizations,
      records: byPlace(authorizations.authorizations),
      accesses: accesses.accesses,
    };
  }, props.id);
  return (
    <Page title={words.title} lead={words.intro}>
      <Loaded of={page} lines={6}>
        {(all) => (
          <>
            <p class="quiet">
              {all.session.role_title}, {dateTime(all.session.created_at)}.{' '}
              <a href={`/sessions/${encodeURIComponent(props.id)}/report`}>{words.toReport}</a>
            </p>
            <Standing id={props.id} list={all.records.standing} onChange={page.reload} />
            <ShareForm id={props.id} organizations={all.organizations} onShared={page.reload} />
            <Accesses list={all.accesses} />
            <Earlier list={all.records.ended} />
          </>
        )}
      </Loaded>
    </Page>
  );
}

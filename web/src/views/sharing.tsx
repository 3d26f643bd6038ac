import { useEffect, useRef, useState } from 'preact/hooks';
import { gathered } from '../api/again';
import { eventsUrl } from '../api/endpoints';
import { listen } from '../api/events';
import type { Invitation, NewInvitation } from '../api/types';
import { api } from '../state';
import { receipts, sharing as words } from '../text';
import { dateTime } from '../ui/format';
import { Loaded, useLoad } from '../ui/load';
import { Page } from '../ui/page';
import { useAgain } from '../ui/use-again';
import { Accesses } from './accesses';
import { FreshCutOffs, splitViewers } from './cut-offs';
import { ownReceiptWords } from './receipt-words';
import { Receipts } from './receipts';
import { byPlace } from './record-words';
import { ShareForm } from './share-form';
import { Invitations, MadeInvitation } from './sharing-invitations';
import { Earlier, Standing } from './sharing-records';
import { Requests } from './sharing-requests';
import { Restrict } from './sharing-restrict';
import { CutOffs, OpenNow } from './sharing-viewers';
import { isShut } from './shut';

/** What is closing now is over within a second: nobody should have to wait for the news of it. */
const CLOSING_MS = 500;

/** Everything about who may see one interview. It follows what happens elsewhere while it is open. */
export function SharingView(props: { id: string }) {
  const { id } = props;
  const [made, setMade] = useState<NewInvitation | null>(null);
  const [said, setSaid] = useState<Said>({ by: 'nobody', sentence: '' });
  const invitations = useRef<HTMLHeadingElement>(null);
  const fresh = useRef(new FreshCutOffs());
  const page = useLoad((signal) => loadSharing(id, signal), id);
  // Apart from the page: it changes with every look of somebody else.
  const watching = useLoad((signal) => api.viewers(id, { signal }), id);
  const shut = isShut(page.value?.session, page.error);
  useEffect(() => {
    if (shut) return;
    const leaving = new AbortController();
    const look = gathered(page.reload, 0, leaving.signal);
    const lookWho = gathered(watching.reload, 0, leaving.signal);
    listen(eventsUrl('sessions', id), leaving.signal, { results: look, viewers: lookWho }, look);
    return () => leaving.abort();
  }, [id, shut]);
  const changed = () => {
    page.reload();
    watching.reload();
  };
  /** What the last act did, under the part of the page where it was done; an older sentence may be untrue by then. */
  const says = (by: Said['by']) => ({
    said: said.by === by ? said.sentence : '',
    onSaid: (sentence: string) => {
      setSaid({ by, sentence });
      changed();
    },
  });
  const cutOffs = watching.value?.cut_offs ?? [];
  const records = byPlace(page.value?.authorizations ?? []);
  const { open, closing } = splitViewers(watching.value?.viewers ?? [], records.standing);
  useAgain(watching, closing.length > 0, CLOSING_MS);
  return (
    <Page title={words.title} lead={words.intro}>
      <Loaded of={page} lines={6}>
        {(all) => (
          <>
            <p class="quiet">
              {all.session.role_title}, {dateTime(all.session.created_at)}.{' '}
              <a href={`/sessions/${encodeURIComponent(id)}/report`}>{words.toReport}</a>
            </p>
            <Requests id={id} list={records.asked} {...says('requests')} />
            <Standing id={id} list={records.standing} changes={all.changes} {...says('records')} />
            <CutOffs list={watching.value ? fresh.current.of(cutOffs) : []} closing={closing} />
            <OpenNow list={open} />
            {made && isUnused(made, all.invitations) && (
              <MadeInvitation
                made={made}
                onDone={() => {
                  invitations.current?.focus(); // where it stands from now on
                  setMade(null);
                }}
              />
            )}
            <ShareForm
              id={id}
              organizations={all.organizations}
              {...says('form')}
              onInvited={(invitation) => {
                setMade(invitation);
                says('form').onSaid('');
              }}
            />
            <Invitations
              id={id}
              heading={invitations}
              list={all.invitations.filter((i) => i.state === 'open')}
              {...says('invitations')}
            />
            <Accesses list={all.accesses} />
            <Earlier list={records.ended} cutOffs={cutOffs} />
            <Receipts
              list={all.receipts}
              body={receipts.body}
              wordsOf={(receipt) => ownReceiptWords(receipt, all.authorizations)}
            />
            <Restrict session={all.session} {...says('restrict')} />
          </>
        )}
      </Loaded>
    </Page>
  );
}

interface Said {
  by: 'nobody' | 'requests' | 'records' | 'form' | 'invitations' | 'restrict';
  sentence: string;
}

/** The link of a new invitation is of use until somebody used it, or it was cancelled. */
function isUnused(made: NewInvitation, list: readonly Invitation[]): boolean {
  return (list.find((i) => i.id === made.invitation.id)?.state ?? 'open') === 'open';
}

async function loadSharing(id: string, signal: AbortSignal) {
  const call = { signal };
  const [session, organizations, authorizations, changes, invitations, accesses, signed] = await Promise.all([
    api.session(id, call),
    api.organizations(call),
    api.authorizations(id, call),
    api.noticeChange(id, call),
    api.invitations(id, call),
    api.accesses(id, call),
    api.receipts(id, call),
  ]);
  return {
    session,
    organizations: organizations.organizations,
    authorizations: authorizations.authorizations,
    changes: changes.changes,
    invitations: invitations.invitations,
    accesses: accesses.accesses,
    receipts: signed.receipts,
  };
}

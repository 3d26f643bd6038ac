import { useState } from 'preact/hooks';
import { receiptUrl } from '../api/endpoints';
import type { Receipt } from '../api/types';
import { api } from '../state';
import { erasures, sharing, receipts as words } from '../text';
import { CheckIt } from '../ui/check-it';
import { dateTime } from '../ui/format';
import { Loaded, useLoad } from '../ui/load';
import { orgReceiptWords, ownReceiptWords } from './receipt-words';

/** Lines before the list folds. */
const SHOWN = 5;

/** Signed proof of every agreement and every end, to keep outside this server. */
export function Receipts(props: {
  list: readonly Receipt[];
  body: string;
  wordsOf: (receipt: Receipt) => string;
}) {
  return (
    <section data-testid="receipts">
      <h2>{words.title}</h2>
      <p>
        {props.body} <CheckIt command={words.command} />
      </p>
      <ReceiptList list={props.list} wordsOf={props.wordsOf} />
    </section>
  );
}

function ReceiptList(props: { list: readonly Receipt[]; wordsOf: (receipt: Receipt) => string }) {
  const { list, wordsOf } = props;
  const [all, setAll] = useState(false);
  const shown = all ? list : list.slice(0, SHOWN);
  return (
    <>
      {list.length === 0 && <p>{words.none}</p>}
      <ul class="rows">
        {shown.map((receipt) => (
          <Row key={receipt.id} receipt={receipt} what={wordsOf(receipt)} />
        ))}
      </ul>
      {list.length > SHOWN && (
        <p>
          <button
            type="button"
            class="button"
            aria-expanded={all}
            onClick={() => setAll(!all)}
            data-testid="receipts-all"
          >
            {all ? sharing.showFewer : sharing.showAll(list.length)}
          </button>
        </p>
      )}
    </>
  );
}

/** What is left of an erased interview: its page is gone, its receipts are not. Loaded when it is opened. */
export function ErasedReceipts(props: { session: string }) {
  const [open, setOpen] = useState(false);
  return (
    <details onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary data-testid="erased-receipts">{erasures.receipts}</summary>
      {open && <ReceiptsOfErased session={props.session} />}
    </details>
  );
}

function ReceiptsOfErased(props: { session: string }) {
  const page = useLoad(async (signal) => {
    const [{ receipts }, { organizations }] = await Promise.all([
      api.receipts(props.session, { signal }),
      api.organizations({ signal }),
    ]);
    return { receipts, known: organizations.map((o) => ({ org_id: o.id, org_name: o.name })) };
  }, props.session);
  return (
    <Loaded of={page} lines={2}>
      {({ receipts, known }) => (
        <ReceiptList list={receipts} wordsOf={(receipt) => ownReceiptWords(receipt, known)} />
      )}
    </Loaded>
  );
}

/** An organization's receipts: of one interview, or of all that was ever shared with it. */
export function OrgReceipts(props: { session?: string }) {
  const { session } = props;
  const page = useLoad((signal) => api.organizationReceipts({ signal }), 'organization-receipts');
  return (
    <Loaded of={page} lines={2}>
      {({ receipts }) => {
        const list = receipts.filter((r) => !session || r.session === session);
        if (list.length === 0) return null;
        return <Receipts list={list} body={words.orgBody} wordsOf={orgReceiptWords} />;
      }}
    </Loaded>
  );
}

function Row(props: { receipt: Receipt; what: string }) {
  const { receipt, what } = props;
  const when = dateTime(receipt.at);
  return (
    <li class="row" data-testid="receipt">
      <div>
        {what}
        <p class="quiet figures">{words.place(when, receipt.entry)}</p>
      </div>
      <a
        class="button"
        href={receiptUrl(receipt.id)}
        download={`receipt-${receipt.id}.json`}
        aria-label={words.downloadLabel(what, when)}
        data-testid="receipt-download"
      >
        {words.download}
      </a>
    </li>
  );
}

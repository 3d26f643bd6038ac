import { useState } from 'preact/hooks';
import type { Authorization, Scope } from '../api/types';
import { api } from '../state';
import { narrow as words } from '../text';
import { ErrorBox } from '../ui/errors';
import { useSubmit } from '../ui/submit';
import { partChange } from './part-change';
import { partsOf } from './record-words';
import { PartBoxes, sharable } from './share-terms';

/** Fewer parts take effect at once; more of them are a new agreement, and the button says so. */
export function Narrow(props: { id: string; record: Authorization; onDone: (said: string) => void }) {
  const { id, record } = props;
  const shared = sharable(record.scopes);
  const [open, setOpen] = useState(false);
  const [parts, setParts] = useState<readonly Scope[]>(shared);
  const change = partChange(shared, parts);
  const send = useSubmit(async () => {
    await api.authorize(id, {
      org_id: record.org_id,
      purpose: record.purpose,
      scopes: [...parts],
      valid_until: record.valid_until,
    });
    props.onDone(words.done(record.org_name, partsOf({ scopes: [...parts] })));
  });
  return (
    <details
      class="change-parts"
      open={open}
      onToggle={(event) => {
        setOpen(event.currentTarget.open);
        if (!event.currentTarget.open) setParts(shared);
      }}
    >
      <summary aria-label={words.openLabel(record.org_name)} data-testid="share-change">
        {words.open}
      </summary>
      <form class="form form-wide" onSubmit={(event) => void send.submit(event)}>
        <p class="quiet">{words.body}</p>
        <PartBoxes parts={parts} onParts={setParts} testId="change-scope" />
        {change === 'none' && <p class="note">{words.none}</p>}
        {send.error !== null && <ErrorBox error={send.error} />}
        <button
          type="submit"
          class="button button-primary"
          disabled={send.busy || change === 'none' || change === 'same'}
          data-testid="change-submit"
        >
          {change === 'wider' ? words.more : words.less}
        </button>
        {change === 'same' && <p class="quiet">{words.same}</p>}
      </form>
    </details>
  );
}

import { useState } from 'preact/hooks';
import { api } from '../state';
import { program as words } from '../text';
import { CopyField } from '../ui/copy-field';
import { Dialog } from '../ui/dialog';
import { ErrorBox } from '../ui/errors';
import { time } from '../ui/format';
import type { StageProps } from './room';

/** Sound and picture from another program (WHIP): how to set one up, and that one sends or has stopped. */
export function RoomProgram(props: Pick<StageProps, 'id' | 'room' | 'state'>) {
  const { room, state } = props;
  const [open, setOpen] = useState(false);
  const hasOwn = room.stream.getTracks().length > 0;
  const alone = state.program === 'none' && !hasOwn;
  return (
    <div class="stack-tight" data-testid="program" data-state={state.program}>
      {state.program === 'sending' && <p role="status">{words.sending}</p>}
      {state.program === 'stopped' && (
        <p class="note note-needs" role="alert">
          {hasOwn ? words.stopped : words.stoppedAlone}
        </p>
      )}
      {alone && <p class="note note-needs">{words.alone}</p>}
      {state.program !== 'none' && hasOwn && (
        <button type="button" class="button" onClick={() => void room.useOwn()} data-testid="program-use-own">
          {words.useOwn}
        </button>
      )}
      {state.program !== 'sending' && (
        <button
          type="button"
          class={alone ? 'button button-primary' : 'button button-quiet'}
          onClick={() => setOpen(true)}
          data-testid="program-set-up"
        >
          {words.setUp}
        </button>
      )}
      {open && <SetUp id={props.id} onClose={() => setOpen(false)} />}
    </div>
  );
}

interface Made {
  address: string;
  token: string;
  until: string;
}

/** Makes address and token. They are shown here and nowhere else, and are gone when the dialog closes. */
function SetUp(props: { id: string; onClose: () => void }) {
  const [made, setMade] = useState<Made | null>(null);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const make = async () => {
    setBusy(true);
    setError(null);
    try {
      const { path, token, expires_at } = await api.publishToken(props.id);
      // The person decided here that the program takes this page's place: the address says so.
      setMade({ address: `${location.origin}${path}?takeover=true`, token, until: expires_at });
    } catch (cause) {
      setError(cause);
    } finally {
      setBusy(false);
    }
  };
  return (
    <Dialog title={words.title} onClose={props.onClose}>
      <p>{words.body}</p>
      <p class="quiet">{words.needs}</p>
      {made ? (
        <>
          <CopyField label={words.address} value={made.address} testId="program-address" />
          <CopyField label={words.token} value={made.token} testId="program-token" />
          <p class="quiet">{words.once(time(made.until))}</p>
        </>
      ) : (
        <p class="quiet">{words.replaces}</p>
      )}
      {error !== null && <ErrorBox error={error} />}
      <p class="actions">
        {!made && (
          <button
            type="button"
            class="button button-primary"
            disabled={busy}
            onClick={() => void make()}
            data-testid="program-make"
          >
            {words.make}
          </button>
        )}
        <button type="button" class="button" onClick={props.onClose} data-testid="program-close">
          {made ? words.done : words.cancel}
        </button>
      </p>
    </Dialog>
  );
}

import { useState } from 'preact/hooks';
import type { ConsentName, MediaKind } from '../protocol/messages';
import { api } from '../state';
import { room as words } from '../text';
import { ErrorBox } from '../ui/errors';
import { SelfView } from '../ui/self-view';
import { setShortcuts, shortcuts } from '../ui/shortcuts';
import type { StageProps } from './room';
import { RoomFeedback } from './room-feedback';
import { RoomProgram } from './room-program';
import { connectionSentence } from './room-words';
import { useKeys } from './use-keys';

export function RoomSide(props: StageProps & { hidden: boolean; onHidden: (hidden: boolean) => void }) {
  const { room, state } = props;
  const connection = connectionSentence(state);
  const index = state.turn?.index ?? 0;
  return (
    <aside class="side">
      {state.program === 'none' && room.stream.getTracks().length > 0 ? (
        <Self {...props} />
      ) : (
        <p class="self-none">{state.program === 'sending' ? words.programSends : words.nothingHere}</p>
      )}
      <p
        class={connection.bad ? 'connection connection-bad' : 'connection'}
        role="status"
        data-testid="connection"
      >
        {connection.words}
      </p>
      <RoomProgram id={props.id} room={room} state={state} />
      <LiveConsents id={props.id} state={state} />
      {props.mode === 'practice' && index > 0 && state.turn?.phase !== 'reviewing' && (
        <RoomFeedback id={props.id} index={index - 1} />
      )}
      <Shortcuts />
    </aside>
  );
}

/** Single keys can be turned off; the page remembers it. */
function Shortcuts() {
  const on = shortcuts.value;
  return (
    <div class="shortcuts">
      <button
        type="button"
        role="switch"
        class="button button-quiet"
        aria-checked={on}
        onClick={() => setShortcuts(!on)}
        data-testid="room-shortcuts"
      >
        {words.shortcuts}: <strong>{on ? words.isOn : words.isOff}</strong>
      </button>
      {on && <p class="quiet">{words.shortcutsHint}</p>}
    </div>
  );
}

function Self(props: StageProps & { hidden: boolean; onHidden: (hidden: boolean) => void }) {
  const { room, hidden, onHidden } = props;
  const [muted, setMuted] = useState<Record<MediaKind, boolean>>({ ...room.muted });
  const hasCamera = room.stream.getVideoTracks().length > 0;
  const toggle = (kind: MediaKind) => {
    room.setMuted(kind, !muted[kind]);
    setMuted({ ...muted, [kind]: !muted[kind] });
  };
  useKeys({ m: () => toggle('audio') });
  return (
    <div class="self">
      {!hasCamera && <p class="self-none">{words.soundOnly}</p>}
      {hasCamera && hidden && <p class="self-none">{words.selfHidden}</p>}
      {hasCamera && !hidden && <SelfView stream={room.stream} label={words.selfView} />}
      <div class="self-buttons">
        <button type="button" class="button" onClick={() => toggle('audio')} data-testid="room-mute">
          {muted.audio ? words.unmuteMic : words.muteMic} <kbd>M</kbd>
        </button>
        {hasCamera && (
          <button type="button" class="button" onClick={() => toggle('video')} data-testid="room-camera">
            {muted.video ? words.cameraOn : words.cameraOff}
          </button>
        )}
        {hasCamera && (
          <button type="button" class="button" onClick={() => onHidden(!hidden)} data-testid="room-hide-self">
            {hidden ? words.showSelf : words.hideSelf} <kbd>H</kbd>
          </button>
        )}
      </div>
      {muted.audio && (
        <p class="note note-needs" role="status">
          {words.micMuted}
        </p>
      )}
    </div>
  );
}

const names: readonly ConsentName[] = ['recording', 'transcription', 'assessment'];

/** Which consents hold now. Each ends with one press: no question is asked, because it is a right. */
function LiveConsents(props: Pick<StageProps, 'id' | 'state'>) {
  const consents = props.state.consents;
  const [error, setError] = useState<unknown>(null);
  const [stopping, setStopping] = useState<ConsentName | null>(null);
  if (!consents) return null;
  const withdraw = async (name: ConsentName) => {
    setStopping(name);
    setError(null);
    try {
      await api.withdrawConsent(props.id, name);
    } catch (cause) {
      setError(cause);
    } finally {
      setStopping(null);
    }
  };
  return (
    <section class="live">
      <h2>{words.live}</h2>
      <ul>
        {names.map((name) => (
          <li key={name} data-testid={`live-${name}`} data-on={consents[name]}>
            <span>
              {words.consents[name]}: <strong>{consents[name] ? words.isOn : words.isOff}</strong>
            </span>
            {consents[name] && (
              <button
                type="button"
                class="button button-danger-quiet"
                aria-label={words.stopFor(words.consents[name])}
                disabled={stopping === name}
                onClick={() => withdraw(name)}
                data-testid={`withdraw-${name}`}
              >
                {words.stop}
              </button>
            )}
          </li>
        ))}
      </ul>
      {names.some((name) => consents[name]) && <p class="quiet">{words.stopHint}</p>}
      {error !== null && <ErrorBox error={error} />}
    </section>
  );
}

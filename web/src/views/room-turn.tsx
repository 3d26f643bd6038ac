import { useEffect, useRef, useState } from 'preact/hooks';
import type { Command, RoomState } from '../room/core';
import { can, closingMs, heldMs, isHeard, remainingMs } from '../room/core';
import { room as words } from '../text';
import { countdown, spoken } from '../ui/format';
import { Ring } from '../ui/ring';
import { announcement, phaseLabel } from './room-words';
import { useClock } from './use-clock';

/** The time left, as a ring to see and, at 30, 10 and 5 s, as words to hear. */
export function Countdown(props: { state: RoomState }) {
  const now = useClock();
  const left = remainingMs(props.state, now);
  const before = useRef<number | null>(null);
  const [said, setSaid] = useState('');
  useEffect(() => {
    const next = announcement(before.current, left);
    before.current = left;
    if (next) setSaid(next);
  }, [left]);
  // What was said of one clock is no news of the next: the same words must be new words there.
  useEffect(() => setSaid(''), [props.state.turn?.phase, props.state.turn?.index, props.state.turn?.take]);
  const turn = props.state.turn;
  const label = phaseLabel(props.state);
  if (!turn || label === null) return null;
  return (
    <div class={`countdown countdown-${turn.phase}`} data-testid="countdown" data-phase={turn.phase}>
      {left === null ? (
        <p class="label">{label}</p>
      ) : (
        <Ring
          left={turn.limit_ms ? left / turn.limit_ms : 1}
          label={label}
          clock={countdown(left)}
          spoken={words.left(spoken(left))}
        />
      )}
      <p class="visually-hidden" aria-live="assertive">
        {said}
      </p>
    </div>
  );
}

/** Seconds until silence ends the answer, to see; said once to people who listen. */
export function Closing(props: { state: RoomState }) {
  const now = useClock();
  const left = closingMs(props.state, now);
  const held = heldMs(props.state, now);
  const seconds = Math.ceil((left ?? held ?? 0) / 1000);
  return (
    <div class="closing" data-testid="closing" data-left={left === null ? undefined : seconds}>
      {left !== null && (
        <>
          <p aria-hidden="true">{words.closing(seconds)}</p>
          <div class="closing-line" aria-hidden="true">
            <div style={{ width: `${Math.min(100, left / 40)}%` }} />
          </div>
        </>
      )}
      {left === null && held !== null && <p aria-hidden="true">{words.held(seconds)}</p>}
      <p class="visually-hidden" role="status">
        {left !== null ? words.closingSaid : held !== null ? words.heldSaid : ''}
      </p>
    </div>
  );
}

export function TurnControls(props: {
  state: RoomState;
  send: (command: Command) => void;
  finish: () => void;
}) {
  const { state, send } = props;
  const phase = state.turn?.phase;
  const last = state.turn?.index !== undefined && state.turn.index + 1 === state.turn.total;
  return (
    <div class="controls">
      {phase === 'waiting' && (
        <>
          <button
            type="button"
            class="button button-primary button-large"
            disabled={!can(state, 'begin')}
            onClick={() => send('begin')}
            data-testid="room-begin"
          >
            {words.begin} <kbd>{words.space}</kbd>
          </button>
          {!isHeard(state) && <p class="quiet">{words.beginHint}</p>}
        </>
      )}
      {phase === 'preparing' && (
        <button
          type="button"
          class="button button-primary button-large"
          disabled={!can(state, 'start_answer')}
          onClick={() => send('start_answer')}
          data-testid="room-start-answer"
        >
          {words.startAnswer} <kbd>{words.space}</kbd>
        </button>
      )}
      {(phase === 'answering' || phase === 'thinking' || phase === 'probing') && (
        // While a follow-up is thought of nothing is done, but the focus stays for when it is asked.
        <button
          type="button"
          class="button button-primary button-large"
          disabled={phase !== 'thinking' && !can(state, 'done')}
          aria-disabled={phase === 'thinking'}
          onClick={() => can(state, 'done') && send('done')}
          data-testid="room-done"
        >
          {words.done} <kbd>{words.space}</kbd>
        </button>
      )}
      {(phase === 'answering' || phase === 'probing') && can(state, 'moment') && (
        <button
          type="button"
          class="button"
          title={words.momentHint(state.turn?.moments ?? 0)}
          onClick={() => send('moment')}
          data-testid="room-moment"
        >
          {words.moment} <kbd>P</kbd>
        </button>
      )}
      {phase === 'reviewing' && (
        <button
          type="button"
          class="button button-primary button-large"
          disabled={!can(state, 'next')}
          onClick={() => send('next')}
          data-testid="room-next"
        >
          {last ? words.toEnd : words.next} <kbd>{words.space}</kbd>
        </button>
      )}
      {can(state, 'again') && (
        <button
          type="button"
          class="button"
          title={words.againHint(state.turn?.takes_left ?? 0)}
          onClick={() => send('again')}
          data-testid="room-again"
        >
          {words.again} <kbd>A</kbd>
        </button>
      )}
      {(phase === 'preparing' || phase === 'answering' || phase === 'thinking' || phase === 'probing') && (
        <button
          type="button"
          class="button"
          disabled={!can(state, 'skip')}
          onClick={() => send('skip')}
          data-testid="room-skip"
        >
          {phase === 'thinking' || phase === 'probing' ? words.skipProbe : words.skip}
        </button>
      )}
      {phase !== 'finished' && (
        <button
          type="button"
          class="button button-quiet"
          disabled={!can(state, 'finish')}
          onClick={props.finish}
          data-testid="room-finish"
        >
          {words.finish}
        </button>
      )}
    </div>
  );
}

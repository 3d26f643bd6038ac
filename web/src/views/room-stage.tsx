import { useEffect, useRef, useState } from 'preact/hooks';
import type { Command, RoomState } from '../room/core';
import { can, recordingMark } from '../room/core';
import { room as words } from '../text';
import { Dialog } from '../ui/dialog';
import { shortcuts } from '../ui/shortcuts';
import type { StageProps } from './room';
import { RoomCaptions } from './room-captions';
import { RoomFeedback } from './room-feedback';
import { RoomNotes } from './room-notes';
import { RoomSide } from './room-side';
import { Closing, Countdown, TurnControls } from './room-turn';
import { RoomVoiceControls } from './room-voice';
import { connectionSentence, markWords } from './room-words';
import { useClock } from './use-clock';
import { useKeys } from './use-keys';
import { useVoice } from './use-voice';

/** After a key started the answer, the same key pressed twice must not end it. */
const SAME_KEY_MS = 1_000;

export function RoomStage(props: StageProps) {
  const { room, state } = props;
  const voice = useVoice(props.id, room, state);
  const [hidden, setHidden] = useState(false);
  const [finishing, setFinishing] = useState(false);
  const turnAt = useRef(0);
  const question = state.turn?.question?.text;
  const phase = state.turn?.phase;
  const take = state.turn?.take;
  const probe = state.turn?.probe?.text;

  useEffect(() => {
    turnAt.current = performance.now();
  }, [question, phase, take, probe]);

  const send = (command: Command) => {
    if (!can(state, command)) return;
    voice.stop();
    room.command(command);
  };
  useKeys({
    ' ': () => {
      const justBegun = phase === 'answering' || phase === 'probing' || phase === 'reviewing';
      if (justBegun && performance.now() - turnAt.current < SAME_KEY_MS) return;
      const command = (['begin', 'start_answer', 'done', 'next'] as const).find((c) => can(state, c));
      if (command) send(command);
    },
    p: () => send('moment'),
    a: () => send('again'),
    h: () => setHidden(!hidden),
    r: voice.repeat,
  });

  return (
    <main id="content" class={shortcuts.value ? 'room' : 'room keys-off'}>
      <section class="stage">
        <StageHead state={state} />
        <Asked state={state} />
        <Asking state={state} />
        {question && phase !== 'reviewing' && <RoomVoiceControls voice={voice} />}
        <RoomNotes {...props} />
        {phase === 'reviewing' && props.mode === 'practice' && state.turn?.index !== undefined && (
          <RoomFeedback
            key={`${state.turn.index}/${take}`}
            id={props.id}
            index={state.turn.index}
            reviewing
          />
        )}
        <RoomCaptions state={state} />
        <div class="stage-foot">
          <Closing state={state} />
          <div class="stage-bottom">
            <Countdown state={state} />
            <TurnControls state={state} send={send} finish={() => setFinishing(true)} />
          </div>
        </div>
      </section>
      <RoomSide {...props} hidden={hidden} onHidden={setHidden} />
      {finishing && (
        <Dialog title={words.finishTitle} onClose={() => setFinishing(false)}>
          <p>{words.finishBody}</p>
          {!can(state, 'finish') && <p role="status">{connectionSentence(state).words}</p>}
          <p class="actions">
            <button
              type="button"
              class="button button-danger"
              disabled={!can(state, 'finish')}
              onClick={() => {
                setFinishing(false);
                send('finish');
              }}
              data-testid="room-finish-confirm"
            >
              {words.finishYes}
            </button>
            <button type="button" class="button" onClick={() => setFinishing(false)}>
              {words.finishNo}
            </button>
          </p>
        </Dialog>
      )}
    </main>
  );
}

/** The recording mark is always there and says only what the page knows. */
function StageHead(props: { state: RoomState }) {
  const now = useClock();
  const { state } = props;
  const mark = recordingMark(state, now);
  const turn = state.turn;
  return (
    <div class="stage-head">
      <p class={`mark mark-${mark.state}`} data-testid="recording-state" data-state={mark.state}>
        <span class="mark-dot" aria-hidden="true" />
        {markWords(mark)}
      </p>
      {turn?.index !== undefined && turn.question && (
        <p class="stage-position" data-testid="room-position">
          {words.position(turn.index, turn.total)} · {words.kinds[turn.question.kind] ?? turn.question.kind}
        </p>
      )}
    </div>
  );
}

/** What is asked, for people who listen: it is there before the first question is, so that each is announced. */
function Asking(props: { state: RoomState }) {
  const turn = props.state.turn;
  const asked = turn?.phase === 'reviewing' ? '' : (turn?.probe?.text ?? turn?.question?.text ?? '');
  const named =
    turn?.probe && asked
      ? `${turn.probe.by === 'model' ? words.probeByModel : words.probe}: ${asked}`
      : asked;
  return (
    <p class="visually-hidden" role="status" data-testid="asking">
      {turn?.phase === 'thinking' ? words.followUpThinking : named}
    </p>
  );
}

function Asked(props: { state: RoomState }) {
  const { turn, welcome } = props.state;
  if (turn?.question) {
    return (
      <>
        <h1
          class={
            turn.probe || turn.phase === 'thinking' || turn.phase === 'reviewing'
              ? 'question question-before'
              : 'question'
          }
          data-testid="question"
        >
          {turn.question.text}
        </h1>
        {turn.phase === 'thinking' && (
          <p class="lead" data-testid="thinking">
            {words.followUpThinking}
          </p>
        )}
        {turn.probe && (
          <div class="probe">
            <p class="label" data-testid="probe-by">
              {turn.probe.by === 'model' ? words.probeByModel : words.probe}
            </p>
            <p class="question" data-testid="probe">
              {turn.probe.text}
            </p>
          </div>
        )}
        {turn.phase === 'reviewing' && (
          <p class="lead" role="status" data-testid="reviewing">
            {turn.remaining_ms === undefined ? words.reviewing : words.lastReview}
          </p>
        )}
      </>
    );
  }
  return (
    <div class="stage-waiting">
      <h1>{words.waitingTitle}</h1>
      {welcome && <p class="lead">{words.waiting(welcome.total)}</p>}
    </div>
  );
}

import { useEffect } from 'preact/hooks';
import { useLocation } from 'preact-iso';
import type { Mode } from '../api/types';
import type { RoomState } from '../room/core';
import type { Room } from '../room/room';
import { api } from '../state';
import { app, room as words } from '../text';
import { Loaded, useLoad } from '../ui/load';
import { Page } from '../ui/page';
import { Trouble } from './devices';
import { RoomEnded } from './room-ended';
import { RoomStage } from './room-stage';
import { endReason } from './room-words';
import { sessionPath } from './steps';
import type { InRoom } from './use-room';
import { useRoom } from './use-room';

/** The way into the room: a session that is not there yet, or not any more, leads to its own page. */
export function RoomView(props: { id: string }) {
  const { route } = useLocation();
  const session = useLoad((signal) => api.session(props.id, { signal }), props.id);
  const state = session.value?.state;
  const open = state === 'consented' || state === 'live';
  useEffect(() => {
    if (session.value && !open) route(sessionPath(session.value), true);
  }, [state]);
  if (session.value && open) return <Joined id={props.id} mode={session.value.mode} look={session.reload} />;
  return (
    <Page title={words.title} wide>
      <Loaded of={session} lines={6}>
        {() => null}
      </Loaded>
    </Page>
  );
}

function Joined(props: { id: string; mode: Mode; look: () => void }) {
  const joined = useRoom(props.id);
  const { room, state } = joined;
  const reason = state && endReason(state);
  // The room is gone without having said why: the session says whether the interview is over.
  useEffect(() => {
    if (reason === 'gone') props.look();
  }, [reason]);
  if (!room || !state) return <NotIn id={props.id} joined={joined} />;
  const comeBack = reason === 'taken_over' ? joined.takeOver : joined.again;
  if (reason !== null) return <RoomEnded id={props.id} reason={reason} comeBack={comeBack} />;
  if (state.problem?.code === 'taken') return <Elsewhere takeOver={joined.takeOver} />;
  if (state.problem?.fatal) return <Refused id={props.id} problem={state.problem} again={joined.again} />;
  return <RoomStage id={props.id} mode={props.mode} room={room} state={state} joined={joined} />;
}

function NotIn(props: { id: string; joined: InRoom }) {
  const noMicrophone = props.joined.problems.some((p) => p.kind === 'audio');
  return (
    <Page title={noMicrophone ? words.noMicrophone : words.title}>
      {props.joined.problems.map((problem) => (
        <Trouble key={problem.kind} problem={problem} again={props.joined.again} />
      ))}
      <p class="quiet" role="status">
        {noMicrophone ? '' : words.connection.connecting}
      </p>
      {noMicrophone && (
        <a class="button" href={`/sessions/${encodeURIComponent(props.id)}/devices`}>
          {words.checkDevices}
        </a>
      )}
      {noMicrophone && (
        <button type="button" class="button" onClick={props.joined.without} data-testid="room-program">
          {words.otherProgram}
        </button>
      )}
    </Page>
  );
}

/** Another window has the interview: nothing is taken from it unasked. */
function Elsewhere(props: { takeOver: () => void }) {
  return (
    <Page title={words.taken.title}>
      <p data-testid="room-taken">{words.taken.body}</p>
      <p class="actions">
        <button
          type="button"
          class="button button-primary"
          onClick={props.takeOver}
          data-testid="room-take-over"
        >
          {words.taken.yes}
        </button>
        <a class="button" href="/home">
          {words.toHome}
        </a>
      </p>
    </Page>
  );
}

function Refused(props: { id: string; problem: NonNullable<RoomState['problem']>; again: () => void }) {
  const base = `/sessions/${encodeURIComponent(props.id)}`;
  const elsewhere = {
    consent_required: [`${base}/consent`, words.toConsent],
    session_over: [`${base}/report`, words.toReport],
  };
  const [href, label] = elsewhere[props.problem.code as keyof typeof elsewhere] ?? [];
  return (
    <Page title={props.problem.message}>
      <p>{props.problem.next}</p>
      <p class="actions">
        {href ? (
          <a class="button button-primary" href={href}>
            {label}
          </a>
        ) : (
          <button type="button" class="button button-primary" onClick={props.again}>
            {app.retry}
          </button>
        )}
        <a class="button" href="/home">
          {words.toHome}
        </a>
      </p>
    </Page>
  );
}

export interface StageProps {
  id: string;
  mode: Mode;
  room: Room;
  state: RoomState;
  joined: InRoom;
}

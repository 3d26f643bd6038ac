import { useEffect, useRef, useState } from 'preact/hooks';
import { ApiError } from '../api/client';
import type { MediaKind } from '../protocol/messages';
import type { RoomState } from '../room/core';
import type { DeviceProblem, Opened } from '../room/devices';
import { closeStream, openDevices, recallChoice } from '../room/devices';
import { Room, roomUrl } from '../room/room';
import { api, handover, pageName } from '../state';

export interface InRoom {
  room: Room | null;
  state: RoomState | null;
  problems: DeviceProblem[];
  lost: MediaKind | null; // a device that was unplugged
  again: () => void; // join anew, or open the devices anew
  takeOver: () => void; // join anew, in place of another window
  without: () => void; // join without devices: another program sends
  reopen: () => void;
  forget: () => void; // what was wrong with the devices is known
}

/** Joins the room with the candidate's devices while the view is shown. */
export function useRoom(session: string): InRoom {
  const [round, setRound] = useState(0);
  const [room, setRoom] = useState<Room | null>(null);
  const [state, setState] = useState<RoomState | null>(null);
  const [problems, setProblems] = useState<DeviceProblem[]>([]);
  const [lost, setLost] = useState<MediaKind | null>(null);
  const leaving = useRef(new AbortController());
  const takeover = useRef(false);

  useEffect(() => {
    const owner = new AbortController();
    leaving.current = owner;
    let joined: Room | null = null;
    setRoom(null);
    setState(null);
    setProblems([]);
    void Promise.all([openHeld(), pageName()]).then(([opened, page]) => {
      if (owner.signal.aborted) return closeStream(opened.stream);
      setProblems(opened.problems);
      if (!opened.stream) return;
      const url = roomUrl(session, location);
      joined = new Room({
        stream: opened.stream,
        url,
        page,
        takeover: takeover.current,
        ticket: async () => (await api.roomTicket(session)).ticket,
        mayRetry: () => mayRetry(session),
      });
      takeover.current = false;
      watch(opened.stream, owner.signal, setLost);
      joined.subscribe(setState);
      whenTheNetworkChanges(() => joined?.online(), owner.signal);
      setRoom(joined);
      setState(joined.state);
      joined.join(owner.signal);
    });
    return () => {
      owner.abort();
      closeStream(joined?.stream ?? null);
    };
  }, [session, round]);

  const reopen = async () => {
    const owner = leaving.current;
    const opened = await openDevices(navigator.mediaDevices, recallChoice(sessionStorage));
    if (owner.signal.aborted || !room) return closeStream(opened.stream);
    setProblems(opened.problems);
    if (!opened.stream) return;
    closeStream(room.stream);
    setLost(null);
    watch(opened.stream, owner.signal, setLost);
    await room.useStream(opened.stream);
  };
  const again = () => setRound((n) => n + 1);
  const takeOver = () => {
    takeover.current = true;
    again();
  };
  const without = () => {
    handover.give(new MediaStream());
    again();
  };
  return {
    room,
    state,
    problems,
    lost,
    again,
    takeOver,
    without,
    reopen: () => void reopen(),
    forget: () => setProblems([]),
  };
}

function openHeld(): Promise<Opened> {
  const held = handover.take();
  if (held) return Promise.resolve({ stream: held, problems: [] });
  return openDevices(navigator.mediaDevices, recallChoice(sessionStorage));
}

/** Another network comes with "online", or on some browsers as a change of the connection without it. */
function whenTheNetworkChanges(act: () => void, signal: AbortSignal): void {
  addEventListener('online', act, { signal });
  const { connection } = navigator as { connection?: EventTarget };
  connection?.addEventListener('change', () => navigator.onLine && act(), { signal });
}

function watch(stream: MediaStream, signal: AbortSignal, onLost: (kind: MediaKind) => void): void {
  for (const track of stream.getTracks()) {
    track.addEventListener('ended', () => onLost(track.kind === 'audio' ? 'audio' : 'video'), { signal });
  }
}

/** A refused WebSocket does not say why; the session does. */
async function mayRetry(session: string): Promise<boolean> {
  try {
    const { state } = await api.session(session);
    return state === 'consented' || state === 'live';
  } catch (cause) {
    return cause instanceof ApiError && (cause.status === 0 || cause.status >= 429);
  }
}

import { useCallback, useEffect, useState } from 'preact/hooks';
import type { DeviceChoice, DeviceLists, DeviceProblem } from '../room/devices';
import { closeStream, listDevices, openDevices, recallChoice, rememberChoice } from '../room/devices';
import { heardVoice, meter } from '../room/meter';
import { handover } from '../state';

export interface Devices {
  choice: DeviceChoice;
  choose: (change: Partial<DeviceChoice>) => void;
  again: () => void;
  stream: MediaStream | null;
  problems: DeviceProblem[];
  lists: DeviceLists;
  levels: number[];
  heard: boolean;
  opening: boolean;
  keep: () => void; // hand the open devices to the room instead of closing them
}

/** Opens the chosen devices while the view is shown and closes them after, unless they are kept. */
export function useDevices(): Devices {
  const [choice, setChoice] = useState<DeviceChoice>(() => recallChoice(sessionStorage));
  const [round, setRound] = useState(0);
  const [stream, setStream] = useState<MediaStream | null>(null);
  const [problems, setProblems] = useState<DeviceProblem[]>([]);
  const [lists, setLists] = useState<DeviceLists>({ audio: [], video: [] });
  const [opening, setOpening] = useState(true);
  const [levels, setLevels] = useState<number[]>([]);
  const [heard, setHeard] = useState(false);
  const [kept] = useState<{ stream: MediaStream | null }>(() => ({ stream: null }));

  useEffect(() => {
    const leaving = new AbortController();
    let opened: MediaStream | null = null;
    setOpening(true);
    setHeard(false);
    void openDevices(navigator.mediaDevices, choice).then(async (result) => {
      if (leaving.signal.aborted) return closeStream(result.stream);
      opened = result.stream;
      setStream(result.stream);
      setProblems(result.problems);
      setOpening(false);
      if (result.stream) {
        meter(result.stream, leaving.signal, (next) => {
          setLevels(next);
          if (heardVoice(next)) setHeard(true);
        });
      }
      setLists(await listDevices(navigator.mediaDevices));
    });
    navigator.mediaDevices?.addEventListener(
      'devicechange',
      () => void listDevices(navigator.mediaDevices).then(setLists),
      { signal: leaving.signal },
    );
    return () => {
      leaving.abort();
      setStream(null);
      if (opened && opened !== kept.stream) closeStream(opened);
    };
  }, [choice, round]);

  const choose = useCallback((change: Partial<DeviceChoice>) => {
    setChoice((old) => {
      const next = { ...old, ...change };
      rememberChoice(next, sessionStorage);
      return next;
    });
  }, []);
  const again = useCallback(() => setRound((n) => n + 1), []);
  const keep = () => {
    if (!stream) return;
    kept.stream = stream;
    handover.give(stream);
  };
  return { choice, choose, again, stream, problems, lists, levels, heard, opening, keep };
}

import { useEffect, useRef, useState } from 'preact/hooks';
import type { RoomState } from '../room/core';
import { CLOSELY, watchLevel } from '../room/meter';
import type { Room } from '../room/room';
import { browserSpeaker, serverSpeaker, waysToSay } from '../room/speakers';
import type { Asked, VoiceState } from '../room/voice';
import { RoomVoice } from '../room/voice';

export interface InVoice {
  said: VoiceState;
  off: boolean;
  can: boolean; // the server hears of it, and this page hears the person
  byProgram: boolean; // it does not: another program sends their sound
  toggle: () => void;
  repeat: () => void;
  stop: () => void;
}

/** Says each question and each probe aloud when it appears, and stops when the interview moves on. */
export function useVoice(session: string, room: Room, state: RoomState): InVoice {
  const [said, setSaid] = useState<VoiceState>('idle');
  const configured = useRef(false);
  configured.current = state.welcome?.voice ?? false;
  const [voice] = useState(() => {
    const server = serverSpeaker((asked) => voiceAddress(session, asked));
    const browser = browserSpeaker(window.speechSynthesis);
    return new RoomVoice({
      speakers: (asked) => waysToSay(asked, configured.current ? server : null, browser),
      tell: (speaking, interrupted) => room.voice(speaking, interrupted),
      store: localStorage,
      onState: setSaid,
      hidden: () => document.hidden,
    });
  });
  const asked = askedNow(state);
  const key = asked && `${asked.question} ${state.turn?.take} ${asked.probe}`;
  const phase = state.turn?.phase;

  // Before anything is said, and without waiting for the page to be drawn.
  useEffect(() => {
    voice.follow(room.state);
    return room.subscribe((now) => voice.follow(now));
  }, [room]);

  useEffect(() => {
    if (asked && (phase === 'preparing' || phase === 'probing')) voice.say(asked);
    else voice.stop();
  }, [key, phase]);

  useEffect(() => {
    const leaving = new AbortController();
    watchLevel(room.stream, leaving.signal, CLOSELY, (level) => voice.hear(level, performance.now()));
    return () => leaving.abort();
  }, [room.stream]);

  useEffect(() => {
    const leaving = new AbortController();
    const onHidden = () => document.hidden && voice.stop();
    document.addEventListener('visibilitychange', onHidden, { signal: leaving.signal });
    return () => {
      leaving.abort();
      voice.stop();
    };
  }, []);

  const byProgram = state.program === 'sending';
  return {
    said,
    off: voice.muted,
    can: state.link === 'open' && !byProgram,
    byProgram,
    toggle: () => voice.setMuted(!voice.muted),
    repeat: () => asked && voice.say(asked),
    stop: () => voice.stop(),
  };
}

function askedNow(state: RoomState): Asked | null {
  const turn = state.turn;
  if (!turn?.question || turn.index === undefined || turn.phase === 'reviewing') return null;
  if (turn.phase === 'probing' && turn.probe) {
    const byModel = turn.probe.by === 'model';
    return { text: turn.probe.text, question: turn.index, probe: turn.probe.index + 1, byModel };
  }
  return { text: turn.question.text, question: turn.index };
}

function voiceAddress(session: string, asked: Asked): string {
  const question = `/api/v1/sessions/${encodeURIComponent(session)}/questions/${asked.question}`;
  return asked.probe === undefined ? `${question}/voice` : `${question}/probes/${asked.probe}/voice`;
}

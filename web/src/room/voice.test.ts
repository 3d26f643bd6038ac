import { describe, expect, it } from 'vitest';
import { BARGE_IN_MS, Ear, QUIET_MS } from './ear';
import type { Asked, Hearing, Speaker } from './voice';
import { LONGEST_WAIT_MS, RoomVoice } from './voice';

const first: Asked = { text: 'Why?', question: 0 };
const second: Asked = { text: 'What then?', question: 1 };

/** Speakers that do what the test says, and a clock that moves 20 ms with each level. */
function setUp(kept: string | null = null, ways = 2) {
  const said: { by: number; asked: Asked; hearing: Hearing; stopped: boolean }[] = [];
  const speaker = (by: number): Speaker => {
    return (asked, hearing) => {
      const one = { by, asked, hearing, stopped: false };
      said.push(one);
      return {
        stop: () => {
          one.stopped = true;
        },
      };
    };
  };
  const store = new Map<string, string>(kept === null ? [] : [['greenroom.voice', kept]]);
  const told: string[] = [];
  const page = { hidden: false };
  const states: string[] = [];
  const voice = new RoomVoice({
    speakers: () => Array.from({ length: ways }, (_, i) => speaker(i)),
    tell: (speaking, interrupted) => told.push(`${speaking}${interrupted ? ' interrupted' : ''}`),
    store: { getItem: (k) => store.get(k) ?? null, setItem: (k, v) => void store.set(k, v) },
    onState: (s) => states.push(s),
    hidden: () => page.hidden,
  });
  voice.follow({ link: 'connecting', program: 'none' });
  voice.follow({ link: 'open', program: 'none' });
  let now = 1_000;
  const hear = (level: number, ms: number) => {
    const from = now;
    while (now < from + ms) {
      now += 20;
      voice.hear(level, now);
    }
    return now;
  };
  return { voice, said, told, states, store, hear, page };
}

const ROOM = 0.15;
const SPEECH = 0.65;

describe('RoomVoice', () => {
  it('says a question and tells the server when it begins and ends', () => {
    const { voice, said, told, states } = setUp();
    voice.say(first);
    expect(said.map((s) => [s.by, s.asked])).toEqual([[0, first]]);
    expect(told).toEqual(['true']);
    said[0]?.hearing.started();
    expect(voice.state).toBe('speaking');
    said[0]?.hearing.ended();
    expect(told).toEqual(['true', 'false']);
    expect(states).toEqual(['starting', 'speaking', 'idle']);
  });

  it('tries the next way where the first fails, and says so where all do', () => {
    const { voice, said, told, states } = setUp();
    voice.say(first);
    said[0]?.hearing.failed();
    expect(said.map((s) => s.by)).toEqual([0, 1]);
    expect(said[0]?.stopped).toBe(true);
    said[1]?.hearing.failed();
    expect(states).toEqual(['starting', 'silent']);
    expect(told).toEqual(['true', 'false']);
  });

  it('does not begin anew with another voice what broke off in the middle', () => {
    const { voice, said } = setUp();
    voice.say(first);
    said[0]?.hearing.started();
    said[0]?.hearing.failed();
    expect(said).toHaveLength(1);
    expect(voice.state).toBe('silent');
  });

  it('stops what it said when another question is asked, and hears nothing more of it', () => {
    const { voice, said, told } = setUp();
    voice.say(first);
    said[0]?.hearing.started();
    voice.say(second);
    expect(said[0]?.stopped).toBe(true);
    said[0]?.hearing.ended();
    expect(told).toEqual(['true', 'false', 'true']);
    expect(voice.state).toBe('starting');
  });

  it('stops within 200 ms of a person who talks, and says that it was interrupted', () => {
    const { voice, said, told, hear } = setUp();
    hear(ROOM, 2_000);
    voice.say(first);
    said[0]?.hearing.started();
    hear(ROOM, 1_000);
    expect(said[0]?.stopped).toBe(false);
    let took = 0;
    while (!said[0]?.stopped && took < 1_000) {
      hear(SPEECH, 20);
      took += 20;
    }
    expect(took).toBeGreaterThanOrEqual(BARGE_IN_MS);
    expect(took).toBeLessThan(200);
    expect(told).toEqual(['true', 'false interrupted']);
    expect(voice.state).toBe('stopped');
  });

  it('also stops before its first sound', () => {
    const { voice, said, told, hear } = setUp();
    hear(ROOM, 2_000);
    voice.say(first);
    hear(SPEECH, 200);
    expect(said[0]?.stopped).toBe(true);
    expect(told).toEqual(['true', 'false interrupted']);
  });

  it.each([
    ['a click', 40],
    ['a door', 100],
  ])('goes on after %s', (_, ms) => {
    const { voice, said, hear } = setUp();
    hear(ROOM, 2_000);
    voice.say(first);
    said[0]?.hearing.started();
    hear(0.9, ms);
    hear(ROOM, 2_000);
    expect(said[0]?.stopped).toBe(false);
  });

  it('waits for a person who talks, and says it once they have stopped', () => {
    const { voice, said, told, hear } = setUp();
    hear(ROOM, 2_000);
    hear(SPEECH, 1_000);
    voice.say(first);
    expect(voice.state).toBe('waiting');
    hear(SPEECH, 1_000);
    hear(ROOM, QUIET_MS - 40);
    expect(said).toEqual([]);
    expect(told).toEqual([]);
    hear(ROOM, 60);
    expect(said).toHaveLength(1);
  });

  it('leaves the question to the eyes of a person who does not stop', () => {
    const { voice, said, hear } = setUp();
    hear(ROOM, 2_000);
    hear(SPEECH, 400);
    voice.say(first);
    for (let ms = 0; ms < LONGEST_WAIT_MS + 500; ms += 500) {
      hear(SPEECH, 400);
      hear(ROOM, 100);
    }
    expect(voice.state).toBe('stopped');
    hear(ROOM, 2_000);
    expect(said).toEqual([]);
  });

  it('says nothing where it is not wanted, and remembers that', () => {
    const { voice, said, told, store } = setUp('off');
    voice.say(first);
    expect([voice.muted, voice.state, said, told]).toEqual([true, 'off', [], []]);
    voice.setMuted(false);
    voice.say(first);
    voice.setMuted(true);
    expect(said[0]?.stopped).toBe(true);
    expect(told).toEqual(['true', 'false']);
    expect(store.get('greenroom.voice')).toBe('off');
  });

  it('stops where the link is lost, says nothing without it, and tells a new one that it is silent', () => {
    const { voice, said, told } = setUp();
    expect(told).toEqual([]); // the first link had nothing before it
    voice.say(first);
    said[0]?.hearing.started();
    voice.follow({ link: 'reconnecting', program: 'none' });
    expect([said[0]?.stopped, voice.state]).toEqual([true, 'stopped']);
    voice.say(first);
    expect([said.length, voice.state, told]).toEqual([1, 'stopped', ['true', 'false']]);
    voice.follow({ link: 'open', program: 'none' });
    voice.follow({ link: 'open', program: 'none' });
    expect([said.length, told]).toEqual([1, ['true', 'false', 'false']]);
    voice.say(first);
    expect([said.length, told.at(-1)]).toEqual([2, 'true']);
  });

  it('says nothing before there is a link', () => {
    const { voice, said } = setUp();
    voice.follow({ link: 'connecting', program: 'none' });
    voice.say(first);
    expect(said).toEqual([]);
  });

  it('does not begin while nobody sees the page, not even after a wait', () => {
    const { voice, said, told, hear, page } = setUp();
    page.hidden = true;
    voice.say(first);
    expect([voice.state, said, told]).toEqual(['stopped', [], []]);
    page.hidden = false;
    hear(ROOM, 2_000);
    hear(SPEECH, 1_000);
    voice.say(first);
    expect(voice.state).toBe('waiting');
    page.hidden = true;
    hear(ROOM, 2_000);
    expect([voice.state, said, told]).toEqual(['stopped', [], []]);
    page.hidden = false;
    voice.say(first);
    expect(said).toHaveLength(1);
  });

  it('stops while a program sends the sound, which it cannot hear the person in', () => {
    const { voice, said, told } = setUp();
    voice.say(first);
    voice.follow({ link: 'open', program: 'sending' });
    expect([said[0]?.stopped, told]).toEqual([true, ['true', 'false']]);
    voice.say(second);
    expect([said.length, voice.state]).toEqual([1, 'stopped']);
    voice.follow({ link: 'open', program: 'stopped' });
    voice.say(second);
    expect(said).toHaveLength(2);
  });

  it('tells nothing when there is nothing to stop', () => {
    const { voice, told, states } = setUp();
    voice.stop();
    expect([told, states]).toEqual([[], []]);
  });
});

describe('Ear', () => {
  const hearing = (levels: (ms: number) => number, ms: number, ear = new Ear(), from = 0) => {
    for (let at = from; at < from + ms; at += 20) ear.hear(levels(at), at);
    return ear;
  };

  it('takes the steady sound of a loud room for the room', () => {
    const ear = hearing(() => 0.5, 30_000);
    expect(ear.begun()).toBe(false);
    expect(ear.quiet(30_000)).toBe(true);
    expect(hearing(() => 0.75, 200, ear, 30_000).begun()).toBe(true);
  });

  it('hears speech with gaps between syllables', () => {
    const ear = hearing(() => 0.2, 5_000);
    expect(hearing((at) => (at % 100 < 80 ? 0.6 : 0.2), 200, ear, 5_000).begun()).toBe(true);
  });

  it('does not take one late look for a long sound', () => {
    const ear = hearing(() => 0.2, 5_000);
    ear.hear(0.9, 8_000);
    expect(ear.begun()).toBe(false);
  });
});

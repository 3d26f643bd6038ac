import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  browserSpeaker,
  LONGEST_SPEECH_MS,
  SOUND_WITHIN_MS,
  serverSpeaker,
  VOICE_WITHIN_MS,
  waysToSay,
} from './speakers';
import type { Asked, Hearing } from './voice';

const asked: Asked = { text: 'Why?', question: 2, probe: 1 };

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function hearing() {
  const heard: string[] = [];
  const on: Hearing = {
    started: () => heard.push('started'),
    ended: () => heard.push('ended'),
    failed: () => heard.push('failed'),
  };
  return { heard, on };
}

class FakeAudio extends EventTarget {
  src = '';
  preload = '';
  paused = true;
  refused = false;
  play() {
    this.paused = false;
    return this.refused ? Promise.reject(new DOMException('no', 'NotAllowedError')) : Promise.resolve();
  }
  pause() {
    this.paused = true;
  }
  removeAttribute() {
    this.src = '';
  }
  load() {}
}

describe('serverSpeaker', () => {
  const setUp = (refused = false) => {
    const audio = new FakeAudio();
    audio.refused = refused;
    const { heard, on } = hearing();
    const speaker = serverSpeaker(
      (a) => `/voice/${a.question}/${a.probe}`,
      () => audio as unknown as HTMLAudioElement,
    );
    return { audio, heard, saying: speaker(asked, on) };
  };

  it('plays the address of what is asked and tells begin and end', () => {
    const { audio, heard } = setUp();
    expect([audio.src, audio.paused]).toEqual(['/voice/2/1', false]);
    audio.dispatchEvent(new Event('playing'));
    vi.advanceTimersByTime(10 * SOUND_WITHIN_MS);
    audio.dispatchEvent(new Event('ended'));
    expect(heard).toEqual(['started', 'ended']);
  });

  it('fails where the sound does not begin in time, and is silent then', () => {
    const { audio, heard } = setUp();
    vi.advanceTimersByTime(SOUND_WITHIN_MS);
    expect(heard).toEqual(['failed']);
    expect([audio.src, audio.paused]).toEqual(['', true]);
    audio.dispatchEvent(new Event('playing'));
    expect(heard).toEqual(['failed']);
  });

  it('fails where the server has none, and where the browser wants a click first', async () => {
    const none = setUp();
    none.audio.dispatchEvent(new Event('error'));
    const unclicked = setUp(true);
    await vi.advanceTimersByTimeAsync(0);
    expect([none.heard, unclicked.heard]).toEqual([['failed'], ['failed']]);
  });

  it('tells nothing after it was stopped', async () => {
    const { audio, heard, saying } = setUp(true);
    saying.stop();
    audio.dispatchEvent(new Event('error'));
    await vi.advanceTimersByTimeAsync(2 * SOUND_WITHIN_MS);
    expect([heard, audio.paused, audio.src]).toEqual([[], true, '']);
  });
});

class FakeSynthesis extends EventTarget {
  voices: { lang: string; localService: boolean }[] = [];
  said: (EventTarget & { text: string })[] = [];
  cancelled = 0;
  getVoices() {
    return this.voices;
  }
  speak(utterance: EventTarget & { text: string }) {
    this.said.push(utterance);
  }
  cancel() {
    this.cancelled++;
  }
}

const local = { lang: 'en-GB', localService: true };

describe('browserSpeaker', () => {
  const setUp = async (voices: FakeSynthesis['voices'] = []) => {
    const synthesis = new FakeSynthesis();
    synthesis.voices = voices;
    const { heard, on } = hearing();
    const speaker = browserSpeaker(
      synthesis as unknown as SpeechSynthesis,
      (text) => Object.assign(new EventTarget(), { text }) as unknown as SpeechSynthesisUtterance,
    );
    const saying = speaker(asked, on);
    await vi.advanceTimersByTimeAsync(0);
    return { synthesis, heard, saying, texts: () => synthesis.said.map((u) => u.text) };
  };

  it('reads with a local English voice', async () => {
    const { synthesis, heard, texts } = await setUp([{ lang: 'en-US', localService: false }, local]);
    expect(texts()).toEqual(['Why?']);
    synthesis.said[0]?.dispatchEvent(new Event('start'));
    vi.advanceTimersByTime(10 * VOICE_WITHIN_MS);
    synthesis.said[0]?.dispatchEvent(new Event('end'));
    expect(heard).toEqual(['started', 'ended']);
  });

  it('does not wait for ever for a voice that never says that it ended', async () => {
    const { synthesis, heard } = await setUp([local]);
    synthesis.said[0]?.dispatchEvent(new Event('start'));
    vi.advanceTimersByTime(LONGEST_SPEECH_MS - 1);
    expect([heard, synthesis.cancelled]).toEqual([['started'], 0]);
    vi.advanceTimersByTime(1);
    expect([heard, synthesis.cancelled]).toEqual([['started', 'ended'], 1]);
    synthesis.said[0]?.dispatchEvent(new Event('end'));
    expect(heard).toEqual(['started', 'ended']);
  });

  it('is not cut short by its limit where it was stopped before', async () => {
    const { synthesis, heard, saying } = await setUp([local]);
    synthesis.said[0]?.dispatchEvent(new Event('start'));
    saying.stop();
    vi.advanceTimersByTime(2 * LONGEST_SPEECH_MS);
    expect([heard, synthesis.cancelled]).toEqual([['started'], 1]);
  });

  it('never sends a question to a remote voice', async () => {
    const { heard, texts } = await setUp([{ lang: 'en-US', localService: false }]);
    expect([texts(), heard]).toEqual([[], ['failed']]);
  });

  it('waits a moment for the list of voices', async () => {
    const { synthesis, heard, texts } = await setUp();
    synthesis.voices = [local];
    synthesis.dispatchEvent(new Event('voiceschanged'));
    expect([texts(), heard]).toEqual([['Why?'], []]);
    const never = await setUp();
    vi.advanceTimersByTime(VOICE_WITHIN_MS);
    never.synthesis.voices = [local];
    never.synthesis.dispatchEvent(new Event('voiceschanged'));
    expect([never.texts(), never.heard]).toEqual([[], ['failed']]);
  });

  it('fails where a voice is listed that never begins', async () => {
    const { heard, synthesis } = await setUp([local]);
    vi.advanceTimersByTime(VOICE_WITHIN_MS);
    expect([heard, synthesis.cancelled]).toEqual([['failed'], 1]);
  });

  it('fails where there is no speech, unless it was stopped before', async () => {
    const { heard, on } = hearing();
    browserSpeaker(undefined)(asked, on);
    browserSpeaker(undefined)(asked, on).stop();
    await vi.advanceTimersByTimeAsync(0);
    expect(heard).toEqual(['failed']);
  });
});

describe('the ways of saying something', () => {
  it('are the server and then the browser, but the browser alone for what a model asks', () => {
    const server = () => ({ stop: () => {} });
    const browser = () => ({ stop: () => {} });
    expect(waysToSay(asked, server, browser)).toEqual([server, browser]);
    expect(waysToSay(asked, null, browser)).toEqual([browser]);
    expect(waysToSay({ ...asked, byModel: true }, server, browser)).toEqual([browser]);
  });
});

import { describe, expect, it } from 'vitest';
import { Voice } from './speech';

class FakeSynthesis extends EventTarget {
  voices: { lang: string; localService: boolean }[] = [];
  said: string[] = [];
  cancelled = 0;
  getVoices() {
    return this.voices;
  }
  speak(utterance: { text: string }) {
    this.said.push(utterance.text);
  }
  cancel() {
    this.cancelled++;
  }
}

const local = { lang: 'en-GB', localService: true };

function setUp(kept: string | null = null) {
  const synthesis = new FakeSynthesis();
  const store = new Map<string, string>(kept === null ? [] : [['greenroom.voice', kept]]);
  const voice = new Voice(
    synthesis as unknown as SpeechSynthesis,
    { getItem: (k) => store.get(k) ?? null, setItem: (k, v) => void store.set(k, v) },
    (text) => ({ text }) as SpeechSynthesisUtterance,
  );
  return { synthesis, voice, store };
}

describe('Voice', () => {
  it('reads with a local voice', () => {
    const { synthesis, voice } = setUp();
    synthesis.voices = [{ lang: 'en-US', localService: false }, local];
    voice.say('Why?');
    expect(synthesis.said).toEqual(['Why?']);
  });

  it('never sends a question to a remote voice', () => {
    const { synthesis, voice } = setUp();
    synthesis.voices = [{ lang: 'en-US', localService: false }];
    voice.say('Why?');
    expect(synthesis.said).toEqual([]);
  });

  it('waits for the list of voices and says only the newest text', () => {
    const { synthesis, voice } = setUp();
    voice.say('first');
    voice.say('second');
    synthesis.voices = [local];
    synthesis.dispatchEvent(new Event('voiceschanged'));
    expect(synthesis.said).toEqual(['second']);
  });

  it('stays muted over a reload', () => {
    const { synthesis, voice, store } = setUp('off');
    synthesis.voices = [local];
    voice.say('Why?');
    expect(synthesis.said).toEqual([]);
    voice.setMuted(false);
    voice.say('Why?');
    voice.setMuted(true);
    expect(synthesis.said).toEqual(['Why?']);
    expect(store.get('greenroom.voice')).toBe('off');
    expect(synthesis.cancelled).toBeGreaterThan(0);
  });

  it('does nothing where there is no speech', () => {
    const store = { getItem: () => null, setItem: () => undefined };
    expect(() => new Voice(undefined, store).say('Why?')).not.toThrow();
  });
});

import type { Asked, Speaker } from './voice';

// The two ways of saying a question aloud: sound from the server, and a voice of this machine.

/** Sound that has not begun after this leaves the question to another voice. */
export const SOUND_WITHIN_MS = 2_000;

/** Some browsers list voices that never begin. */
export const VOICE_WITHIN_MS = 2_000;

/** Some browsers never say that a voice ended; the server's clocks stand no longer either. */
export const LONGEST_SPEECH_MS = 30_000;

/**
 * The ways of saying something, in the order in which they are tried. The server's voice may be another place's: it
 * gets texts of the bank alone, nothing that was made of what somebody said.
 */
export function waysToSay(asked: Asked, server: Speaker | null, browser: Speaker): readonly Speaker[] {
  return server && !asked.byModel ? [server, browser] : [browser];
}

/** Plays what the server says, from its first bytes on. */
export function serverSpeaker(
  address: (asked: Asked) => string,
  make: () => HTMLAudioElement = () => new Audio(),
): Speaker {
  return (asked, hearing) => {
    const listening = new AbortController();
    const audio = make();
    const late = setTimeout(() => give(hearing.failed), SOUND_WITHIN_MS);
    const stop = () => {
      clearTimeout(late);
      listening.abort();
      audio.pause();
      audio.removeAttribute('src'); // what is still coming is not read any more
      audio.load();
    };
    const give = (tell: () => void) => {
      stop();
      tell();
    };
    const { signal } = listening;
    const begun = () => {
      clearTimeout(late);
      hearing.started();
    };
    audio.addEventListener('playing', begun, { once: true, signal });
    audio.addEventListener('ended', () => give(hearing.ended), { signal });
    audio.addEventListener('error', () => give(hearing.failed), { signal });
    audio.preload = 'auto';
    audio.src = address(asked);
    audio.play().catch(() => {
      if (!signal.aborted) give(hearing.failed); // a browser that wants a click first
    });
    return { stop };
  };
}

/**
 * Reads with an English voice of this machine. A voice that would send the question to its vendor is never
 * used.
 */
export function browserSpeaker(
  synthesis: SpeechSynthesis | undefined,
  utter = (text: string) => new SpeechSynthesisUtterance(text),
): Speaker {
  // Chromium forgets an utterance that nobody holds, and its events with it.
  const held = new Set<SpeechSynthesisUtterance>();
  return (asked, hearing) => {
    const listening = new AbortController();
    const { signal } = listening;
    let late = setTimeout(() => give(hearing.failed), VOICE_WITHIN_MS);
    const stop = () => {
      clearTimeout(late);
      listening.abort();
      held.clear();
      synthesis?.cancel();
    };
    const give = (tell: () => void) => {
      stop();
      tell();
    };
    const speak = (voices: SpeechSynthesis) => {
      const local = voices.getVoices().find((v) => v.localService && v.lang.startsWith('en'));
      if (!local) return give(hearing.failed);
      const utterance = utter(asked.text);
      held.add(utterance);
      utterance.voice = local;
      utterance.lang = local.lang;
      const begun = () => {
        clearTimeout(late);
        late = setTimeout(() => give(hearing.ended), LONGEST_SPEECH_MS);
        hearing.started();
      };
      utterance.addEventListener('start', begun, { once: true, signal });
      utterance.addEventListener('end', () => give(hearing.ended), { signal });
      utterance.addEventListener('error', () => give(hearing.failed), { signal });
      voices.speak(utterance);
    };
    if (!synthesis) queueMicrotask(() => !signal.aborted && give(hearing.failed));
    else if (synthesis.getVoices().length > 0) queueMicrotask(() => !signal.aborted && speak(synthesis));
    // Chromium lists its voices a moment after the page began.
    else synthesis.addEventListener('voiceschanged', () => speak(synthesis), { once: true, signal });
    return { stop };
  };
}

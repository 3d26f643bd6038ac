const KEY = 'greenroom.voice';

/**
 * Reads questions aloud with a voice of this machine. A voice that would send the question to its
 * vendor is never used; where there is no other, the question stays on the screen only.
 */
export class Voice {
  private silent: boolean;
  private waiting: AbortController | null = null;

  constructor(
    private readonly synthesis: SpeechSynthesis | undefined,
    private readonly store: Pick<Storage, 'getItem' | 'setItem'>,
    private readonly utter = (text: string) => new SpeechSynthesisUtterance(text),
  ) {
    this.silent = store.getItem(KEY) === 'off';
  }

  get muted(): boolean {
    return this.silent;
  }

  setMuted(muted: boolean): void {
    this.silent = muted;
    this.store.setItem(KEY, muted ? 'off' : 'on');
    if (muted) this.stop();
  }

  /** Says the text unless muted; whatever was being said stops. */
  say(text: string): void {
    this.stop();
    if (this.silent || !this.synthesis) return;
    if (this.synthesis.getVoices().length > 0) {
      this.speak(this.synthesis, text);
      return;
    }
    // Chromium lists its voices a moment after the page began.
    const synthesis = this.synthesis;
    this.waiting = new AbortController();
    const options = { once: true, signal: this.waiting.signal };
    synthesis.addEventListener('voiceschanged', () => this.speak(synthesis, text), options);
  }

  stop(): void {
    this.waiting?.abort();
    this.waiting = null;
    this.synthesis?.cancel();
  }

  private speak(synthesis: SpeechSynthesis, text: string): void {
    const local = synthesis.getVoices().find((v) => v.localService && v.lang.startsWith('en'));
    if (!local) return;
    const utterance = this.utter(text);
    utterance.voice = local;
    utterance.lang = local.lang;
    synthesis.speak(utterance);
  }
}

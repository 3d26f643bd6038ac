/** Levels shown by the meter: 5 s at 10 a second. */
export const METER_LEVELS = 50;
const EVERY_MS = 100;

/** Loudness of one block of samples, 0 to 1: -60 dBFS and below is 0, full scale is 1. */
export function levelOf(samples: Float32Array): number {
  let sum = 0;
  for (const s of samples) sum += s * s;
  const rms = Math.sqrt(sum / Math.max(1, samples.length));
  const decibels = 20 * Math.log10(Math.max(rms, 1e-6));
  return Math.min(1, Math.max(0, 1 + decibels / 60));
}

/** Whether the last levels contain something like a voice, and not only the room's hum. */
export function heardVoice(levels: readonly number[]): boolean {
  return levels.filter((l) => l > 0.35).length >= 4;
}

/** Watches a stream's sound until the signal fires, and hands over the last 5 s of levels. */
export function meter(stream: MediaStream, signal: AbortSignal, onLevels: (levels: number[]) => void): void {
  let levels: number[] = new Array(METER_LEVELS).fill(0);
  watchLevel(stream, signal, { everyMs: EVERY_MS, samples: 2048 }, (level) => {
    levels = [...levels.slice(1), level];
    onLevels(levels);
  });
}

/** As often as it takes to notice within a fifth of a second that somebody talks. */
export const CLOSELY = { everyMs: 20, samples: 1024 };

/** Hands over the level of a stream's newest samples, so often, until the signal fires. */
export function watchLevel(
  stream: MediaStream,
  signal: AbortSignal,
  how: { everyMs: number; samples: number },
  onLevel: (level: number) => void,
): void {
  if (stream.getAudioTracks().length === 0 || signal.aborted) return;
  const context = new AudioContext();
  const analyser = context.createAnalyser();
  analyser.fftSize = how.samples;
  context.createMediaStreamSource(stream).connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  const timer = setInterval(() => {
    // A page opened without a click starts suspended; resuming is refused quietly until there is one.
    if (context.state === 'suspended') void context.resume();
    analyser.getFloatTimeDomainData(samples);
    onLevel(levelOf(samples));
  }, how.everyMs);
  signal.addEventListener(
    'abort',
    () => {
      clearInterval(timer);
      void context.close();
    },
    { once: true },
  );
}

/** Records a few seconds of the stream's sound to be heard back. Nothing leaves the page. */
export function recordSample(stream: MediaStream, ms: number, signal: AbortSignal): Promise<Blob | null> {
  return new Promise((resolve) => {
    if (signal.aborted || typeof MediaRecorder === 'undefined') return resolve(null);
    const recorder = new MediaRecorder(new MediaStream(stream.getAudioTracks()));
    const parts: Blob[] = [];
    recorder.addEventListener('dataavailable', (event) => parts.push(event.data));
    recorder.addEventListener('stop', () =>
      resolve(signal.aborted ? null : new Blob(parts, { type: recorder.mimeType })),
    );
    recorder.addEventListener('error', () => resolve(null));
    const stop = () => recorder.state !== 'inactive' && recorder.stop();
    const timer = setTimeout(stop, ms);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      stop();
    });
    recorder.start();
  });
}

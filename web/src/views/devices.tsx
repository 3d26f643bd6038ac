import { useEffect, useRef, useState } from 'preact/hooks';
import { useLocation } from 'preact-iso';
import type { DeviceProblem } from '../room/devices';
import { recordSample } from '../room/sample';
import { api, handover } from '../state';
import { devices as words } from '../text';
import { Loaded, useLoad } from '../ui/load';
import { MeterBars } from '../ui/meter-bars';
import { Page } from '../ui/page';
import { SelfView } from '../ui/self-view';
import { sessionPath } from './steps';
import type { Devices } from './use-devices';
import { useDevices } from './use-devices';

export function DevicesView(props: { id: string }) {
  const { route } = useLocation();
  const session = useLoad((signal) => api.session(props.id, { signal }), props.id);
  const state = session.value?.state;
  const fits = state === 'consented' || state === 'live';
  useEffect(() => {
    if (session.value && !fits) route(sessionPath(session.value), true);
  }, [state]);
  return (
    <Page title={words.title} lead={words.intro} wide>
      <Loaded of={session} lines={6}>
        {() =>
          fits ? <Check onReady={() => route(`/sessions/${encodeURIComponent(props.id)}/room`)} /> : null
        }
      </Loaded>
    </Page>
  );
}

function Check(props: { onReady: () => void }) {
  const devices = useDevices();
  const { stream, problems, opening } = devices;
  const hasCamera = (stream?.getVideoTracks().length ?? 0) > 0;
  return (
    <div class="split">
      <section class="card preview">
        {stream && hasCamera ? (
          <SelfView stream={stream} label={words.preview} />
        ) : (
          <p class="preview-none">{opening ? words.opening : stream ? words.previewOff : ''}</p>
        )}
      </section>
      <section class="stack">
        {opening && problems.length === 0 && <p class="quiet">{words.ask}</p>}
        {problems.map((problem) => (
          <Trouble key={problem.kind} problem={problem} again={devices.again} />
        ))}
        {stream && <Hearing stream={stream} levels={devices.levels} heard={devices.heard} />}
        <Menus devices={devices} />
        <p class={stream ? 'ready ready-yes' : 'ready'} role="status">
          {stream ? (hasCamera ? words.readyCamera : words.ready) : ''}
        </p>
        <button
          type="button"
          class="button button-primary"
          disabled={!stream}
          onClick={() => {
            devices.keep();
            props.onReady();
          }}
          data-testid="devices-ready"
        >
          {words.submit}
        </button>
        <button
          type="button"
          class="button button-quiet"
          onClick={() => {
            handover.give(new MediaStream());
            props.onReady();
          }}
          data-testid="devices-program"
        >
          {words.otherProgram}
        </button>
      </section>
    </div>
  );
}

export function Trouble(props: { problem: DeviceProblem; again: () => void }) {
  const { kind, trouble } = props.problem;
  return (
    <div
      class={kind === 'audio' ? 'note note-error' : 'note note-needs'}
      role="alert"
      data-testid={`trouble-${kind}`}
    >
      <p>
        <strong>{words.trouble[trouble][kind]}</strong> {words.trouble[trouble].next}
      </p>
      <button type="button" class="button" onClick={props.again}>
        {words.again}
      </button>
    </div>
  );
}

function Hearing(props: { stream: MediaStream; levels: number[]; heard: boolean }) {
  return (
    <div class="stack-tight">
      <p class="label">{words.meter}</p>
      <MeterBars levels={props.levels} label={words.meter} />
      <p class="quiet" aria-live="polite">
        {props.heard ? words.heard : words.speak}
      </p>
      <Sample stream={props.stream} />
    </div>
  );
}

const SAMPLE_MS = 4_000;

function Sample(props: { stream: MediaStream }) {
  const [url, setUrl] = useState('');
  const [busy, setBusy] = useState(false);
  const leaving = useRef(new AbortController());
  useEffect(() => () => leaving.current.abort(), []);
  useEffect(() => () => URL.revokeObjectURL(url), [url]);
  const record = async () => {
    setBusy(true);
    const sample = await recordSample(props.stream, SAMPLE_MS, leaving.current.signal);
    if (leaving.current.signal.aborted) return;
    setBusy(false);
    if (sample) setUrl(URL.createObjectURL(sample));
  };
  return (
    <>
      <p>
        <button type="button" class="button" onClick={record} disabled={busy} data-testid="sample">
          {words.hearYourself}
        </button>
      </p>
      <p class="quiet" role="status">
        {busy ? words.listening : url ? words.played : ''}
      </p>
      {/* biome-ignore lint/a11y/useMediaCaption: one's own sentence, just spoken */}
      {url && <audio src={url} controls autoPlay class="sample" />}
    </>
  );
}

function Menus(props: { devices: Devices }) {
  const { choice, choose, lists, stream } = props.devices;
  const used = (tracks: MediaStreamTrack[] | undefined) => tracks?.[0]?.getSettings().deviceId;
  return (
    <div class="stack-tight">
      <label class="field">
        <span class="label">{words.microphone}</span>
        <select
          value={used(stream?.getAudioTracks()) ?? choice.audio ?? ''}
          onChange={(event) => choose({ audio: event.currentTarget.value })}
          data-testid="microphone"
        >
          {lists.audio.map((d) => (
            <option key={d.id} value={d.id}>
              {d.label || words.microphone}
            </option>
          ))}
        </select>
      </label>
      <label class="field">
        <span class="label">{words.camera}</span>
        <select
          value={choice.camera ? (used(stream?.getVideoTracks()) ?? choice.video ?? '') : 'none'}
          onChange={(event) => {
            const id = event.currentTarget.value;
            choose(id === 'none' ? { camera: false } : { camera: true, video: id });
          }}
          data-testid="camera"
        >
          {lists.video.map((d) => (
            <option key={d.id} value={d.id}>
              {d.label || words.camera}
            </option>
          ))}
          <option value="none">{words.noCamera}</option>
        </select>
      </label>
    </div>
  );
}

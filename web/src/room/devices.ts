import type { MediaKind } from '../protocol/messages';

// Cameras and microphones. What goes wrong with them is a value with a next step, not an exception.

export interface DeviceChoice {
  audio?: string; // deviceId; absent: the browser's own choice
  video?: string;
  camera: boolean; // false: the candidate wants sound only
}

export type DeviceTrouble =
  | 'denied' // the person or a policy said no
  | 'missing' // there is none
  | 'in_use' // another program holds it, or the system would not start it
  | 'insecure' // the page is not on https or localhost, so the browser hides devices
  | 'unknown';

export interface DeviceProblem {
  kind: MediaKind;
  trouble: DeviceTrouble;
}

export interface Opened {
  stream: MediaStream | null; // null: no microphone, so there is no interview
  problems: DeviceProblem[];
}

export interface DeviceLists {
  audio: { id: string; label: string }[];
  video: { id: string; label: string }[];
}

/** The part of navigator.mediaDevices that is used here. */
export type Media = Pick<MediaDevices, 'getUserMedia' | 'enumerateDevices'>;

const CHOICE_KEY = 'greenroom.devices';

export function troubleOf(cause: unknown): DeviceTrouble {
  const name = cause instanceof Error || cause instanceof DOMException ? cause.name : '';
  switch (name) {
    case 'NotAllowedError':
    case 'PermissionDeniedError':
      return 'denied';
    case 'NotFoundError':
    case 'DevicesNotFoundError':
    case 'OverconstrainedError':
      return 'missing';
    case 'NotReadableError':
    case 'AbortError':
    case 'TrackStartError':
      return 'in_use';
    case 'SecurityError':
    case 'TypeError':
      return 'insecure';
    default:
      return 'unknown';
  }
}

/**
 * Opens the chosen devices. One prompt asks for both; if that fails, each kind is tried alone, so that
 * a missing camera does not cost the microphone. A device that was unplugged since it was chosen falls
 * back to the browser's choice.
 */
export async function openDevices(media: Media | undefined, choice: DeviceChoice): Promise<Opened> {
  if (!media) return { stream: null, problems: [{ kind: 'audio', trouble: 'insecure' }] };
  if (choice.camera) {
    try {
      return {
        stream: await media.getUserMedia({ audio: audio(choice), video: video(choice) }),
        problems: [],
      };
    } catch {
      // Which of the two it was, the next tries tell.
    }
  }
  const sound = await openOne(media, 'audio', choice);
  if ('trouble' in sound) return { stream: null, problems: [sound] };
  if (!choice.camera) return { stream: sound, problems: [] };
  const picture = await openOne(media, 'video', choice);
  if ('trouble' in picture) return { stream: sound, problems: [picture] };
  for (const track of picture.getTracks()) sound.addTrack(track);
  return { stream: sound, problems: [] };
}

async function openOne(
  media: Media,
  kind: MediaKind,
  choice: DeviceChoice,
): Promise<MediaStream | DeviceProblem> {
  const wanted = kind === 'audio' ? audio(choice) : video(choice);
  try {
    return await media.getUserMedia({ [kind]: wanted });
  } catch (cause) {
    const trouble = troubleOf(cause);
    if (trouble !== 'missing' || choice[kind] === undefined) return { kind, trouble };
  }
  const { [kind]: _, ...unchosen } = choice;
  return openOne(media, kind, unchosen);
}

function audio(choice: DeviceChoice): MediaTrackConstraints {
  return { echoCancellation: true, noiseSuppression: true, autoGainControl: true, ...exact(choice.audio) };
}

function video(choice: DeviceChoice): MediaTrackConstraints {
  return {
    width: { ideal: 1280 },
    height: { ideal: 720 },
    frameRate: { ideal: 30, max: 30 },
    ...exact(choice.video),
  };
}

function exact(id: string | undefined): MediaTrackConstraints {
  return id ? { deviceId: { exact: id } } : {};
}

export async function listDevices(media: Media | undefined): Promise<DeviceLists> {
  const lists: DeviceLists = { audio: [], video: [] };
  for (const device of (await media?.enumerateDevices()) ?? []) {
    if (device.deviceId === '') continue; // before permission browsers hide what there is
    if (device.kind === 'audioinput') lists.audio.push({ id: device.deviceId, label: device.label });
    if (device.kind === 'videoinput') lists.video.push({ id: device.deviceId, label: device.label });
  }
  return lists;
}

export function closeStream(stream: MediaStream | null): void {
  for (const track of stream?.getTracks() ?? []) track.stop();
}

/** The choice lives as long as the tab, so that a reloaded room comes back with the same devices. */
export function rememberChoice(choice: DeviceChoice, store: Pick<Storage, 'setItem'>): void {
  store.setItem(CHOICE_KEY, JSON.stringify(choice));
}

export function recallChoice(store: Pick<Storage, 'getItem'>): DeviceChoice {
  try {
    const kept: unknown = JSON.parse(store.getItem(CHOICE_KEY) ?? '{}');
    if (typeof kept !== 'object' || kept === null) return { camera: true };
    const { audio, video, camera } = kept as Record<string, unknown>;
    return {
      camera: camera !== false,
      ...(typeof audio === 'string' && { audio }),
      ...(typeof video === 'string' && { video }),
    };
  } catch {
    return { camera: true };
  }
}

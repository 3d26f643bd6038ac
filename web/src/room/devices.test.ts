import { describe, expect, it } from 'vitest';
import type { DeviceChoice, Media } from './devices';
import { listDevices, openDevices, recallChoice, rememberChoice, troubleOf } from './devices';
import { fakeStream } from './fakes';
import { Handover } from './handover';
import { heardVoice, levelOf } from './meter';

type Wanted = { audio?: unknown; video?: unknown };

function media(answer: (wanted: Wanted) => ReturnType<typeof fakeStream> | string): Media {
  return {
    getUserMedia: (wanted) => {
      const result = answer(wanted as Wanted);
      return typeof result === 'string'
        ? Promise.reject(new DOMException('no', result))
        : Promise.resolve(result);
    },
    enumerateDevices: () =>
      Promise.resolve([
        { kind: 'audioinput', deviceId: 'm', label: 'Mic' },
        { kind: 'audiooutput', deviceId: 's', label: 'Speaker' },
        { kind: 'videoinput', deviceId: '', label: '' },
      ] as MediaDeviceInfo[]),
  };
}

const kinds = (stream: MediaStream | null) => stream?.getTracks().map((t) => t.kind);
const both: DeviceChoice = { camera: true };

describe('openDevices', () => {
  it('asks once for both', async () => {
    let asked = 0;
    const opened = await openDevices(
      media(() => {
        asked++;
        return fakeStream('audio', 'video');
      }),
      both,
    );
    expect(kinds(opened.stream)).toEqual(['audio', 'video']);
    expect(opened.problems).toEqual([]);
    expect(asked).toBe(1);
  });

  it.each([
    ['NotFoundError', 'missing'],
    ['NotAllowedError', 'denied'],
    ['NotReadableError', 'in_use'],
  ])('keeps the microphone when the camera gives %s', async (name, trouble) => {
    const opened = await openDevices(
      media((w) => (w.video ? name : fakeStream('audio'))),
      both,
    );
    expect(kinds(opened.stream)).toEqual(['audio']);
    expect(opened.problems).toEqual([{ kind: 'video', trouble }]);
  });

  it('has no stream without a microphone, and says why', async () => {
    const opened = await openDevices(
      media(() => 'NotAllowedError'),
      both,
    );
    expect(opened).toEqual({ stream: null, problems: [{ kind: 'audio', trouble: 'denied' }] });
  });

  it('joins both when they only open one by one', async () => {
    const opened = await openDevices(
      media((w) => (w.audio && w.video ? 'AbortError' : w.audio ? fakeStream('audio') : fakeStream('video'))),
      both,
    );
    expect(kinds(opened.stream)).toEqual(['audio', 'video']);
    expect(opened.problems).toEqual([]);
  });

  it('does not touch the camera of somebody who wants sound only', async () => {
    const wanted: Wanted[] = [];
    const opened = await openDevices(
      media((w) => {
        wanted.push(w);
        return fakeStream('audio');
      }),
      { camera: false },
    );
    expect(wanted.every((w) => w.video === undefined)).toBe(true);
    expect(opened.problems).toEqual([]);
  });

  it('falls back to another device when the chosen one was unplugged', async () => {
    const opened = await openDevices(
      media((w) => (JSON.stringify(w.audio).includes('gone') ? 'OverconstrainedError' : fakeStream('audio'))),
      { camera: false, audio: 'gone' },
    );
    expect(kinds(opened.stream)).toEqual(['audio']);
  });

  it('says so when the browser hides devices', async () => {
    expect((await openDevices(undefined, both)).problems).toEqual([{ kind: 'audio', trouble: 'insecure' }]);
  });
});

describe('troubleOf', () => {
  it.each([
    [new DOMException('', 'SecurityError'), 'insecure'],
    [new TypeError(), 'insecure'],
    [new DOMException('', 'Later'), 'unknown'],
    ['text', 'unknown'],
  ])('%s', (cause, want) => {
    expect(troubleOf(cause)).toBe(want);
  });
});

describe('choice', () => {
  const store = (kept: string | null) => ({ getItem: () => kept, setItem: () => undefined });
  it('comes back as it was kept', () => {
    let kept = '';
    rememberChoice({ camera: false, audio: 'm' }, { setItem: (_, value) => (kept = value) });
    expect(recallChoice(store(kept))).toEqual({ camera: false, audio: 'm' });
  });
  it.each([null, 'not json', 'null', '7', '{"audio":7}'])('is the default for %s', (kept) => {
    expect(recallChoice(store(kept))).toEqual({ camera: true });
  });
});

describe('listDevices', () => {
  it('lists inputs that the browser names', async () => {
    const lists = await listDevices(media(() => 'x'));
    expect(lists).toEqual({ audio: [{ id: 'm', label: 'Mic' }], video: [] });
  });
});

describe('handover', () => {
  it('gives a live stream once and closes what nobody took', () => {
    const handover = new Handover();
    const first = fakeStream('audio');
    const second = fakeStream('audio');
    handover.give(first);
    handover.give(second);
    expect(first.tracks[0]?.readyState).toBe('ended');
    expect(handover.take()).toBe(second);
    expect(handover.take()).toBeNull();
  });
  it('does not hand over a device that stopped', () => {
    const handover = new Handover();
    const stream = fakeStream('audio', 'video');
    handover.give(stream);
    stream.tracks[1]?.stop();
    expect(handover.take()).toBeNull();
    expect(stream.tracks[0]?.readyState).toBe('ended');
  });
});

describe('meter', () => {
  const wave = (amplitude: number) =>
    Float32Array.from({ length: 2048 }, (_, i) => amplitude * Math.sin(i / 5));
  it('is nothing for silence, full for full scale, and rises between', () => {
    expect(levelOf(wave(0))).toBe(0);
    expect(levelOf(wave(1.5))).toBe(1);
    expect(levelOf(wave(0.1))).toBeGreaterThan(levelOf(wave(0.01)));
    expect(levelOf(new Float32Array(0))).toBe(0);
  });
  it('hears a voice and not a hum or a single knock', () => {
    expect(heardVoice([0.5, 0.6, 0.5, 0.4])).toBe(true);
    expect(heardVoice(new Array(50).fill(0.2))).toBe(false);
    expect(heardVoice([0, 0.9, 0])).toBe(false);
  });
});

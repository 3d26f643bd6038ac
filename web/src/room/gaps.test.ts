import { describe, expect, it } from 'vitest';
import { room as words } from '../text';
import { type Gap, gapNote, missing, PICTURE_NOTE_MS } from './gaps';

function gap(kind: Gap['kind'], start_ms: number, end_ms: number, reason = 'network'): Gap {
  return { kind, start_ms, end_ms, reason };
}

describe('missing', () => {
  it('joins sound and picture of the same stretch and reason, and counts each once', () => {
    expect(
      missing([
        gap('video', 5000, 9000),
        gap('audio', 4000, 6000),
        gap('audio', 5500, 6500),
        gap('audio', 8000, 8500, 'muted'),
      ]),
    ).toEqual([
      { start_ms: 4000, end_ms: 9000, audio_ms: 2500, video_ms: 4000, reason: 'network' },
      { start_ms: 8000, end_ms: 8500, audio_ms: 500, video_ms: 0, reason: 'muted' },
    ]);
  });

  it('keeps what lies apart apart, by time, and does not change what it was given', () => {
    const given = [gap('video', 50, 60), gap('video', 10, 20), gap('audio', 20, 30)];
    expect(missing(given).map((m) => [m.start_ms, m.end_ms])).toEqual([
      [10, 30],
      [50, 60],
    ]);
    expect(given[1]).toEqual(gap('video', 10, 20));
    expect(missing([])).toEqual([]);
  });

  it('takes a withheld reason as one of its own', () => {
    expect(missing([{ kind: 'audio', start_ms: 0, end_ms: 1 }])[0]?.reason).toBe('');
  });
});

describe('gapNote', () => {
  it('makes one note of many small gaps', () => {
    expect(gapNote([gap('audio', 0, 1000), gap('video', 0, 1500), gap('audio', 3000, 4000)])).toEqual({
      what: 'sound',
      ms: 2000,
      several: true,
      reason: 'network',
    });
  });

  it('says nothing of a picture that is away for a moment, however often', () => {
    const short = PICTURE_NOTE_MS - 1;
    expect(gapNote([gap('video', 0, short)])).toBeNull();
    expect(gapNote([gap('video', 0, short), gap('video', 9000, 9000 + short)])).toBeNull();
    expect(gapNote([])).toBeNull();
  });

  it('speaks of a picture that is away for longer, also when it comes in pieces that touch', () => {
    const want = { what: 'picture', ms: 4000, several: false, reason: 'reconnect' };
    expect(gapNote([gap('video', 0, 4000, 'reconnect')])).toEqual(want);
    expect(gapNote([gap('video', 0, 2000, 'reconnect'), gap('video', 2000, 4000, 'reconnect')])).toEqual(
      want,
    );
  });

  it('puts what was lost before what was chosen, and says nothing of a camera turned off', () => {
    expect(gapNote([gap('video', 0, 9000, 'muted')])).toBeNull();
    expect(gapNote([gap('audio', 0, 9000, 'muted')])?.what).toBe('chosen');
    expect(gapNote([gap('audio', 0, 9000, 'muted'), gap('audio', 9000, 10_000)])).toMatchObject({
      what: 'sound',
      ms: 1000,
    });
  });

  it('names no single cause when there were two', () => {
    expect(gapNote([gap('audio', 0, 1000), gap('audio', 2000, 3000, 'storage')])?.reason).toBe('');
  });
});

describe('the sentence of a note', () => {
  const sentence = (gaps: Gap[]) => {
    const note = gapNote(gaps);
    return note ? words.gap.sentence(note) : '';
  };
  it.each([
    [
      [gap('audio', 0, 6000), gap('video', 0, 6000)],
      'The network dropped for 6 seconds. What you said before is kept; those 6 seconds are missing. Say them again or go on.',
    ],
    [
      [gap('audio', 0, 300, 'reconnect')],
      'The connection was lost for 1 second. What you said before is kept; that second is missing. Say it again or go on.',
    ],
    [
      [gap('audio', 0, 1000), gap('audio', 5000, 7000)],
      'The network dropped for 3 seconds in all. The rest of what you said is kept; those 3 seconds are missing. Say them again or go on.',
    ],
    [
      [gap('audio', 0, 1000), gap('audio', 5000, 7000, 'later')],
      'Something was lost for 3 seconds in all. The rest of what you said is kept; those 3 seconds are missing. Say them again or go on.',
    ],
    [
      [gap('video', 0, 4200)],
      'Your picture was missing for 4 seconds. Your voice is kept, so there is nothing to say again.',
    ],
    [[gap('audio', 0, 2000, 'muted')], 'You were muted for 2 seconds.'],
    [[gap('audio', 0, 1000, 'consent')], 'Recording was off for 1 second.'],
    [
      [gap('audio', 0, 1000, 'consent'), gap('audio', 2000, 3000, 'muted')],
      'Nothing was kept for 2 seconds in all.',
    ],
    [[gap('video', 0, 1000)], ''],
  ] as [Gap[], string][])('%j', (gaps, want) => {
    expect(sentence(gaps)).toBe(want);
  });
});

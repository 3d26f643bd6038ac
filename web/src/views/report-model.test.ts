import { describe, expect, it } from 'vitest';
import type { Line, Measurement, Rating, Report, Take } from '../api/types';
import { report as words } from '../text';
import {
  allLines,
  anchorText,
  bands,
  changedWords,
  competencyResults,
  currentLine,
  flaggedNote,
  flaggedWords,
  hasModelRating,
  hasTranscript,
  inOrder,
  isAnswered,
  isPending,
  judged,
  lineText,
  markedWords,
  measurementName,
  measurementValue,
  missingWords,
  pendingWords,
  rangeWords,
  timelineMs,
} from './report-model';

function line(sequence: number, start_ms: number, end_ms: number, text = 'one two three'): Line {
  const words = text.split(' ').map((t) => ({ text: t, start_ms, end_ms }));
  return { epoch: 1, sequence, revision: 0, start_ms, end_ms, engine: 'e', interpolated: true, words };
}

/** A line with corrected words where the text has stars. */
function corrected(text: string, changed: number): Line {
  const words = text
    .split(' ')
    .filter(Boolean)
    .map((t) => ({ text: t.replace('*', ''), start_ms: 0, end_ms: 1, corrected: t.startsWith('*') }));
  return { ...line(1, 0, 1), words, changed };
}

describe('words that were corrected', () => {
  it.each<[string, Line[], number, number]>([
    ['five of ten left out', [corrected('one two three four five', 5)], 5, 10],
    ['one in the place of two', [corrected('we moved *Kafka to Postgres', 2)], 2, 6],
    ['one added', [corrected('we *have moved', 1)], 1, 3],
    ['all of a line left out, beside one as it was', [corrected('', 4), line(2, 0, 1)], 4, 7],
    ['nothing', [line(1, 0, 1)], 0, 3],
  ])('%s', (_, lines, changed, of) => {
    expect(changedWords(lines)).toEqual({ changed, of });
  });
});

function take(change: Partial<Take> = {}): Take {
  return {
    take: 1,
    start_ms: 1000,
    end_ms: 9000,
    ended_by: 'done',
    pending: false,
    ratings: [],
    standings: [],
    evidence: [],
    feedback: [],
    ...change,
  };
}

function report(change: Partial<Report> = {}): Report {
  return {
    session: 's',
    role_title: 'r',
    mode: 'practice',
    length_ms: 20_000,
    judged_by: { transcriber: { engine: 'e', place: 'this server' }, assessor: { model: '', place: '' } },
    gaps: [],
    standings: [],
    competencies: [{ id: 'a', name: 'A', definition: 'd', anchors: { '1': 'one', '5': 'five' } }],
    questions: [{ index: 0, text: 'q', kind: 'technical', competencies: ['a', 'unknown'], takes: [take()] }],
    ...change,
  };
}

const rating = (change: Partial<Rating>): Rating => ({
  competency: 'a',
  rater: { kind: 'model', model: 'm' },
  outcome: 'level',
  level: 3,
  at: '2026-01-01T00:00:00Z',
  ...change,
});

describe('lines', () => {
  const lines = [line(0, 1000, 3000), line(1, 5000, 7000), line(2, 7000, 9000)];
  it.each([
    [0, -1],
    [1000, 0],
    [3500, 0], // the line stays a moment after it was said
    [4500, -1],
    [6999, 1],
    [7000, 2],
    [99_000, -1],
  ])('at %d ms the current one is %d', (at, want) => {
    expect(currentLine(lines, at)).toBe(want);
  });

  it('come from all takes and from between, by time', () => {
    const r = report({ loose: [line(9, 500, 600)] });
    r.questions[0]?.takes.push(
      take({ take: 2, lines: [line(3, 2000, 3000)] }),
      take({ take: 3, lines: [line(1, 700, 900)] }),
    );
    expect(allLines(r).map((l) => l.sequence)).toEqual([9, 1, 3]);
  });

  it('an empty transcript is one, a withheld one is none', () => {
    expect(hasTranscript(report())).toBe(false);
    expect(hasTranscript(report({ loose: [] }))).toBe(true);
    expect(
      hasTranscript(
        report({
          questions: [{ index: 0, text: '', kind: '', competencies: [], takes: [take({ lines: [] })] }],
        }),
      ),
    ).toBe(true);
  });

  it('mark only the words that evidence of this line names', () => {
    const evidence = { competency: 'a', polarity: 'supports', part: 'other' } as const;
    const marked = markedWords(line(4, 0, 1), [
      { ...evidence, epoch: 1, sequence: 4, first: 1, last: 99 },
      { ...evidence, epoch: 2, sequence: 4, first: 0, last: 0 },
      { ...evidence }, // withheld
    ]);
    expect([...marked]).toEqual([1, 2]);
    expect(lineText(line(4, 0, 1))).toBe('one two three');
  });
});

describe('time line', () => {
  it('has a band for every take that has times', () => {
    const r = report();
    r.questions[0]?.takes.push({
      take: 2,
      pending: false,
      ratings: [],
      standings: [],
      evidence: [],
      feedback: [],
    });
    expect(bands(r)).toEqual([{ question: 0, take: 1, start_ms: 1000, end_ms: 9000 }]);
  });

  it('reaches as far as anything does, and is never empty', () => {
    expect(timelineMs(report({ length_ms: 0, questions: [] }))).toBe(1);
    expect(timelineMs(report({ gaps: [{ kind: 'audio', start_ms: 1, end_ms: 50_000 }] }))).toBe(50_000);
  });

  it.each([
    [6000, 0, 'Sound'],
    [0, 300, 'Picture'],
    [5800, 6100, 'Sound and picture'],
    [400, 4000, 'Picture, and 1 s of the sound,'],
    [9000, 2000, 'Sound, and 2 s of the picture,'],
  ])('names what is missing: %d ms of sound, %d ms of picture', (audio_ms, video_ms, want) => {
    expect(missingWords({ start_ms: 0, end_ms: 9000, audio_ms, video_ms, reason: '' })).toBe(want);
  });
});

describe('results', () => {
  it('have the anchors of the question where it has its own', () => {
    const [question] = report().questions;
    if (!question) throw new Error('no question');
    const level = (q: typeof question, n: number) =>
      competencyResults(report(), q, take()).map((r) => anchorText(r.competency, n));
    expect(level(question, 5)).toEqual(['five']);
    const own = { ...question, anchors: { a: { '1': 'no', '3': 'some', '5': 'all' }, b: { '5': 'other' } } };
    expect(level(own, 5)).toEqual(['all']);
    expect(level(own, 3)).toEqual(['some']);
  });

  it('keep self-rating apart from what others said, and skip unknown competencies', () => {
    const ratings = [
      rating({ rater: { kind: 'human' }, level: 2, at: '2026-01-03T00:00:00Z' }),
      rating({}),
      rating({ rater: { kind: 'self' }, level: 1, at: '2026-01-01T00:00:00Z' }),
      rating({ rater: { kind: 'self' }, level: 4, at: '2026-01-02T00:00:00Z' }),
      rating({ competency: 'b' }),
    ];
    const r = report();
    const question = r.questions[0];
    if (!question) throw new Error('want a question');
    const results = competencyResults(r, question, take({ ratings }));
    expect(results).toHaveLength(1);
    expect(results[0]?.self?.level).toBe(4);
    expect(results[0]?.others.map((o) => o.rater.kind)).toEqual(['model', 'human']);
  });

  it('have what the models come to beside them, in words', () => {
    const r = report();
    const question = r.questions[0];
    if (!question) throw new Error('want a question');
    const standing = {
      competency: 'a',
      outcome: 'level',
      level: 3,
      low: 3,
      high: 4,
      raters: 3,
      sureness: 'close',
    } as const;
    const results = competencyResults(r, question, take({ standings: [standing] }));
    expect(results[0]?.standing).toEqual(standing);
    expect(rangeWords(standing)).toBe('Levels 3 to 4, from 3 ratings.');
    expect(rangeWords({ ...standing, high: 3, sureness: 'agreed' })).toBe('All 3 ratings say level 3.');
    expect(rangeWords({ ...standing, high: 3, sureness: 'apart' })).toBe(
      'Level 3, from 3 ratings, of which one found nothing.',
    );
    expect(rangeWords({ competency: 'a', outcome: 'level', level: 3, low: 3, high: 3, raters: 1 })).toBe(
      'One rating says level 3.',
    );
    expect(rangeWords({ competency: 'a', outcome: 'not_observed', raters: 2 })).toBe('');
  });

  it('know pending, rated and answered', () => {
    const r = report();
    expect([isPending(r), hasModelRating(r)]).toEqual([false, false]);
    r.questions[0]?.takes.push(take({ pending: true, ratings: [rating({})] }));
    expect([isPending(r), hasModelRating(r)]).toEqual([true, true]);
    const answered = (takes: Take[]) => isAnswered({ index: 0, text: '', kind: '', competencies: [], takes });
    expect(answered([])).toBe(false);
    expect(answered([take({ ended_by: 'skip' })])).toBe(false);
    expect(answered([take({ ended_by: 'skip' }), take({ ended_by: 'limit' })])).toBe(true);
  });

  it('have words for what is written, and none for what lies between', () => {
    const competency = report().competencies[0];
    expect(competency && [anchorText(competency, 1), anchorText(competency, 2)]).toEqual(['one', null]);
  });
});

describe('words that speak to whoever rates', () => {
  const flagged = [{ epoch: 1, sequence: 2, first: 1, last: 9, quote: 'two three' }];

  it('are those of their line, as far as it goes', () => {
    expect([...flaggedWords(line(2, 0, 1000), flagged)]).toEqual([1, 2]);
    expect([...flaggedWords(line(3, 0, 1000), flagged)]).toEqual([]);
    expect(flaggedNote(line(2, 0, 1000), flagged)).toContain('two three');
    expect(flaggedNote(line(3, 0, 1000), flagged)).toBe('');
  });

  it('leave the rating with them beside the others', () => {
    const model = (pass: 'first' | 'with_flagged', level: number) =>
      rating({ rater: { kind: 'model', model: 'm', pass }, outcome: 'level', level });
    const ratings = [model('first', 3), model('with_flagged', 5)];
    const r = report({
      questions: [{ index: 0, text: 'q', kind: 'k', competencies: ['a'], takes: [take({ ratings })] }],
    });
    const question = r.questions[0];
    if (!question) throw new Error('no question');
    const [result] = competencyResults(r, question, take({ ratings }));
    expect(result?.others.map((x) => x.level)).toEqual([3]);
    expect(result?.withFlagged?.level).toBe(5);
    const alone = take({ ratings: [model('with_flagged', 5)] });
    expect(judged(report({ questions: [{ ...question, takes: [alone] }] })).given).toBe(0);
  });
});

it('promises no result of an interview that is restricted', () => {
  expect([pendingWords(true), pendingWords(false)]).toEqual([words.restricted, words.pending]);
});

describe('measurements', () => {
  const measured = (change: Partial<Measurement>): Measurement => ({
    name: 'x',
    value: 1,
    unit: '1',
    counted: 'c',
    valid: true,
    ...change,
  });
  it.each([
    [{ value: 3 }, '3'],
    [{ value: 132.46, unit: 'words/min' }, '132.5 words/min'],
    [{ value: 1.25, unit: 's' }, '1.25 s'],
    [{ value: 2.5 }, '2.5'],
    [{ value: 75.2, unit: 's' }, '1:15'],
    [{ value: 0, unit: 's' }, '0 s'],
    [{ valid: false }, '–'],
  ])('%o shows as %s', (change, want) => {
    expect(measurementValue(measured(change))).toBe(want);
  });

  it('shows no number for a value that was left out', () => {
    const { value: _, ...rest } = measured({});
    expect(measurementValue(rest)).toBe('–');
  });

  it('come in a fixed order, with what is unknown last', () => {
    const names = ['later', 'words', 'answer_length'].map((name) => measured({ name }));
    expect(inOrder(names).map((m) => m.name)).toEqual(['answer_length', 'words', 'later']);
  });

  it('has a name for what it does not know', () => {
    expect(measurementName('words_per_minute')).toBe('Words a minute');
    expect(measurementName('new_kind.of-count')).toBe('New kind of count');
  });
});

describe('what was judged', () => {
  const self = rating({ rater: { kind: 'self' } });
  const person = rating({ rater: { kind: 'human' } });
  const nothing = rating({ outcome: 'not_observed', level: undefined as never });
  it.each([
    ['nothing', [], 0],
    ['what the candidate gave is no judgement', [self], 0],
    ['by a person', [self, person], 1],
    ['by a person before the words were corrected', [{ ...person, before_correction: true }], 0],
    ['by a model', [rating({})], 1],
    ['rated without a level', [nothing], 0],
  ])('%s', (_, ratings, given) => {
    const questions = [
      {
        index: 0,
        text: 'q',
        kind: 'k',
        competencies: ['a', 'b'],
        takes: [take({ ratings: ratings as Rating[] })],
      },
      { index: 1, text: 'q', kind: 'k', competencies: ['a'], takes: [take({ ended_by: 'skip' })] },
    ];
    expect(judged(report({ questions }))).toEqual({ given, of: 2 });
  });

  it.each([
    ['a level stays where the next take was not judged', [[rating({})], []], 1],
    ['the last take that was judged counts', [[rating({})], [nothing]], 0],
    ['and the level that came of another try', [[nothing], [rating({})]], 1],
  ])('%s', (_, takes, given) => {
    const of = {
      index: 0,
      text: 'q',
      kind: 'k',
      competencies: ['a'],
      takes: takes.map((r) => take({ ratings: r as Rating[] })),
    };
    expect(judged(report({ questions: [of] })).given).toBe(given);
  });
});

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Rating } from '../api/types';
import { closeForm, type OwnRating, OwnRatings, PAUSE_MS, type Place } from './own-ratings';

const place: Place = { question: 1, take: 1, competency: 'planning', revision: 0 };

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A server that answers each request when the test says so, in any order. */
function setUp() {
  const asked: { place: Place; level: number; why: string; answer: () => void; fail: () => void }[] = [];
  const ratings = new OwnRatings(
    (at, level, why) =>
      new Promise<void>((answer, reject) => {
        asked.push({ place: at, level, why, answer, fail: () => reject(new Error('away')) });
      }),
  );
  const sent = () => asked.map((a) => [a.level, a.why]);
  const answer = async (n: number) => {
    asked[n]?.answer();
    await vi.advanceTimersByTimeAsync(0);
  };
  const fail = async (n: number) => {
    asked[n]?.fail();
    await vi.advanceTimersByTimeAsync(0);
  };
  return { asked, ratings, sent, answer, fail };
}

const stored = (level: number, why: string) => ({ level, why, outcome: 'level' }) as unknown as Rating;
const stand = () => vi.advanceTimersByTimeAsync(PAUSE_MS);

describe('a rating of one’s own', () => {
  it('is still there when its panel was left and comes back, sentence and all', async () => {
    const { ratings, sent, answer } = setUp();
    const rating = ratings.of(place, null);
    rating.choose(3);
    rating.write('They named a date.');
    void rating.leave();
    await answer(0);
    const again = ratings.of(place, null); // the report is as old as it was
    expect([again.level.value, again.why.value, again.state.value]).toEqual([
      3,
      'They named a date.',
      'saved',
    ]);
    again.choose(4);
    await stand();
    expect(sent()).toEqual([
      [3, 'They named a date.'],
      [4, 'They named a date.'],
    ]);
  });

  it('never sends an empty sentence over one that the server has', async () => {
    const { ratings, sent } = setUp();
    ratings.of(place, stored(2, 'Said before.')).choose(5);
    await stand();
    expect(sent()).toEqual([[5, 'Said before.']]);
  });

  it('is chosen anew for corrected words, and keeps a sentence that is not stored', async () => {
    const { ratings, asked, answer } = setUp();
    const corrected = { ...place, revision: 1 };
    const rating = ratings.of(place, null);
    rating.choose(3);
    await stand();
    await answer(0);
    rating.write('They named a date.');
    const anew = ratings.of(corrected, null);
    expect([anew.level.value, anew.why.value, anew.withoutLevel]).toEqual([null, 'They named a date.', true]);
    anew.choose(4);
    void anew.leave();
    expect(asked.map((a) => [a.place.revision, a.level])).toEqual([
      [0, 3],
      [1, 4],
    ]);
    await answer(1);
    expect(ratings.of(corrected, null)).toBe(anew);
    expect(ratings.of({ ...place, revision: 2 }, null).why.value).toBe(''); // it was stored
  });

  it('takes a newer report for what was not touched here, and not for what was', async () => {
    const { ratings } = setUp();
    expect(ratings.of(place, null).level.value).toBe(null);
    expect(ratings.of(place, stored(2, 'Elsewhere.')).why.value).toBe('Elsewhere.');
    ratings.of(place, stored(2, 'Elsewhere.')).choose(4);
    expect(ratings.of(place, stored(1, 'Later.')).level.value).toBe(4);
  });

  it('keeps apart what belongs to other takes and competencies', () => {
    const { ratings } = setUp();
    ratings.of(place, null).choose(3);
    expect(ratings.of({ ...place, take: 2 }, null).level.value).toBe(null);
    expect(ratings.of({ ...place, competency: 'care' }, null).level.value).toBe(null);
  });

  it('sends no level that an arrow key only passed over', async () => {
    const { ratings, sent } = setUp();
    const rating = ratings.of(place, null);
    for (const level of [1, 2, 3]) {
      rating.choose(level);
      await vi.advanceTimersByTimeAsync(PAUSE_MS / 2);
    }
    expect(sent()).toEqual([]);
    await stand();
    expect(sent()).toEqual([[3, '']]);
  });

  it('has one request under way at a time, and the last value wins', async () => {
    const { ratings, sent, answer } = setUp();
    const rating = ratings.of(place, null);
    rating.choose(2);
    await stand();
    rating.choose(3);
    await stand();
    rating.choose(5);
    await stand();
    expect(sent()).toEqual([[2, '']]);
    await answer(0);
    expect(sent().slice(1)).toEqual([[5, '']]);
    await answer(1);
    await stand();
    expect(sent()).toHaveLength(2);
    expect(rating.state.value).toBe('saved');
  });

  it('waits for the pause also after an answer that came meanwhile', async () => {
    const { ratings, sent, answer } = setUp();
    const rating = ratings.of(place, null);
    rating.choose(2);
    await stand();
    rating.choose(3);
    await answer(0);
    expect(sent()).toEqual([[2, '']]);
    expect(rating.state.value).toBe('saving');
    rating.choose(4);
    await stand();
    expect(sent()).toEqual([
      [2, ''],
      [4, ''],
    ]);
  });

  it('is sent at once when it is left, and nothing more by the pause', async () => {
    const { ratings, sent, answer } = setUp();
    const rating = ratings.of(place, null);
    rating.choose(2);
    void rating.leave();
    expect(sent()).toEqual([[2, '']]);
    await answer(0);
    await stand();
    expect(sent()).toHaveLength(1);
  });

  it('does not send half a sentence because a level stood', async () => {
    const { ratings, sent } = setUp();
    const rating = ratings.of(place, null);
    rating.choose(2);
    rating.write('They na');
    await stand();
    expect(sent()).toEqual([[2, '']]);
  });

  it('sends nothing for a sentence without a level, and both once there is one', async () => {
    const { ratings, sent, answer } = setUp();
    const rating = ratings.of(place, null);
    rating.write('A plan was named.');
    await rating.leave();
    expect([sent(), rating.withoutLevel]).toEqual([[], true]);
    rating.choose(4);
    await stand();
    await answer(0);
    expect([sent(), rating.withoutLevel, rating.unsaved]).toEqual([[[4, 'A plan was named.']], false, false]);
  });

  it('keeps on the page what failed, and sends it again', async () => {
    const { ratings, sent, answer, fail } = setUp();
    const rating = ratings.of(place, stored(2, ''));
    rating.choose(4);
    await stand();
    await fail(0);
    expect([rating.level.value, rating.state.value, rating.unsaved]).toEqual([4, 'failed', true]);
    expect(rating.error.value).toBeInstanceOf(Error);
    void rating.leave();
    await answer(1);
    expect([sent(), rating.error.value]).toEqual([
      [
        [4, ''],
        [4, ''],
      ],
      null,
    ]);
  });

  it('does not believe that a request that failed did not arrive', async () => {
    const { ratings, sent, fail } = setUp();
    const rating = ratings.of(place, stored(2, ''));
    rating.choose(4);
    await stand();
    await fail(0);
    rating.choose(2);
    await stand();
    expect(sent()).toEqual([
      [4, ''],
      [2, ''],
    ]);
  });
});

describe('closing the form', () => {
  const closing = (ratings: OwnRatings, order: string[] = []) => {
    const close = vi.fn(async () => void order.push('close'));
    return { close, done: closeForm(ratings, close) };
  };
  const typed = (ratings: OwnRatings, text: string): OwnRating => {
    const rating = ratings.of(place, stored(3, ''));
    rating.write(text);
    return rating;
  };

  it('waits for the sentence that the same click left', async () => {
    const { ratings, sent, answer } = setUp();
    void typed(ratings, 'Because of the date.').leave(); // focusout comes before the click
    const { close, done } = closing(ratings);
    await stand();
    expect([sent(), close.mock.calls.length]).toEqual([[[3, 'Because of the date.']], 0]);
    expect(ratings.closing.value).toBe(true);
    await answer(0);
    expect(await done).toBe(null);
    expect([sent().length, close.mock.calls.length, ratings.closing.value]).toEqual([1, 1, true]);
  });

  it('sends what nothing has sent yet, also of other questions', async () => {
    const { asked, ratings, answer } = setUp();
    ratings.of({ ...place, question: 4 }, null).choose(1);
    typed(ratings, 'Named.');
    const { close, done } = closing(ratings);
    expect(asked.map((a) => a.place.question)).toEqual([4, 1]);
    await answer(0);
    expect(close).not.toHaveBeenCalled();
    await answer(1);
    expect(await done).toBe(null);
  });

  it('stays open while something could not be saved, and says of which question', async () => {
    const { ratings, fail, answer } = setUp();
    typed(ratings, 'Named.');
    const first = closing(ratings);
    await fail(0);
    expect(await first.done).toEqual({ why: 'unsaved', questions: [1] });
    expect([first.close.mock.calls.length, ratings.closing.value]).toEqual([0, false]);
    const second = closing(ratings);
    await answer(1);
    expect(await second.done).toBe(null);
    expect(second.close).toHaveBeenCalledOnce();
  });

  it('stays open while a sentence has no level', async () => {
    const { ratings } = setUp();
    ratings.of(place, null).write('Lost?');
    const { close, done } = closing(ratings);
    expect(await done).toEqual({ why: 'without_level', questions: [1] });
    expect(close).not.toHaveBeenCalled();
  });

  it('can be tried again where the closing itself fails', async () => {
    const { ratings } = setUp();
    await expect(closeForm(ratings, () => Promise.reject(new Error('away')))).rejects.toThrow('away');
    expect(ratings.closing.value).toBe(false);
  });
});

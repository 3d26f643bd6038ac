import type { Erasure } from '../api/types';
import { erasures as words } from '../text';
import { dateTime } from '../ui/format';

/** Whether something will change by itself. One that a hold has paused waits for somebody. */
export function isUnderWay(erasure: Pick<Erasure, 'state'>): boolean {
  return erasure.state === 'running';
}

/** Where an erasure stands, in one sentence: keys first, because without them the rest is noise. */
export function erasureWords(erasure: Erasure): string {
  const { state, steps, fault, finished_at } = erasure;
  if (state === 'done') return words.done(dateTime(finished_at ?? ''));
  if (state === 'paused') return words.paused;
  const done = steps.filter((step) => step.done_at).length;
  const keysGone = steps.some((step) => step.step === 'keys' && step.done_at);
  return [
    words.progress(done, steps.length),
    keysGone ? words.keysGone : '',
    fault ? words.faults[fault] : '',
  ]
    .filter(Boolean)
    .join(' ');
}

import type { Take } from '../api/types';
import { report as words } from '../text';

/** What a model asked in an answer, marked as a model's. */
export function FollowUpNote(props: { take: Take }) {
  const asked = props.take.follow_up;
  if (!asked) return null;
  return (
    <div class="asked-by-model" data-testid="report-follow-up">
      <p class="label">{words.followUp(asked.model)}</p>
      <p>{asked.text}</p>
    </div>
  );
}

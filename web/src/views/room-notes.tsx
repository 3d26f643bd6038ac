import { gapNote } from '../room/gaps';
import { app, room as words } from '../text';
import { Trouble } from './devices';
import type { StageProps } from './room';

/** What needs the candidate's attention now; one note a kind, never a heap. */
export function RoomNotes(props: StageProps) {
  const { state, room, joined } = props;
  const { problem, recording } = state;
  const gap = gapNote(state.gaps);
  const lost = joined.lost;
  return (
    <div class="notes" aria-live="polite">
      {recording?.message && recording.state !== 'on' && recording.state !== 'off' && (
        <p class="note note-needs" data-testid="recording-message">
          {recording.message}
        </p>
      )}
      {lost && (
        <p class="note note-needs note-row">
          {words.deviceLost[lost]}
          <button type="button" class="button" onClick={joined.reopen}>
            {words.deviceAgain}
          </button>
        </p>
      )}
      {joined.problems.length > 0 && (
        <div>
          {joined.problems.map((problem) => (
            <Trouble key={problem.kind} problem={problem} again={joined.reopen} />
          ))}
          <button type="button" class="button button-quiet" onClick={joined.forget}>
            {app.close}
          </button>
        </div>
      )}
      {gap && (
        <p class="note note-needs note-row" data-testid="gap">
          {words.gap.sentence(gap)}
          <button type="button" class="button" onClick={() => room.dismiss('gap')}>
            {words.ok}
          </button>
        </p>
      )}
      {problem && (
        <p class="note note-needs note-row" data-testid="room-problem">
          {problem.message} {problem.next}
          <button type="button" class="button" onClick={() => room.dismiss('problem')}>
            {app.close}
          </button>
        </p>
      )}
    </div>
  );
}

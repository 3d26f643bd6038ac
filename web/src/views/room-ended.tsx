import { room as words } from '../text';
import { Page } from '../ui/page';

/** What a person reads after the room, by the server's reason. */
export function RoomEnded(props: { id: string; reason: string; comeBack: () => void }) {
  const said = words.ended[props.reason] ?? words.ended.gone;
  const over = ['finished', 'time_limit', 'abandoned'].includes(props.reason);
  const mayComeBack = ['taken_over', 'logged_out'].includes(props.reason);
  return (
    <Page title={said?.title ?? ''}>
      <p data-testid={`room-ended-${props.reason}`}>{said?.body}</p>
      <p class="actions">
        {over && (
          <a
            class="button button-primary"
            href={`/sessions/${encodeURIComponent(props.id)}/report`}
            data-testid="room-to-report"
          >
            {words.toReport}
          </a>
        )}
        {mayComeBack && (
          <button
            type="button"
            class="button button-primary"
            onClick={props.comeBack}
            data-testid="room-come-back"
          >
            {words.comeBack}
          </button>
        )}
        <a class="button" href="/home">
          {words.toHome}
        </a>
      </p>
    </Page>
  );
}

import type { Authorization, NoticeChange } from '../api/types';
import { api } from '../state';
import { paused as words } from '../text';
import { ErrorBox } from '../ui/errors';
import { date } from '../ui/format';
import { useSubmit } from '../ui/submit';
import type { ShownParagraph } from './notice-changes';
import { changedParts } from './notice-changes';
import { noticeEffect, untilWords } from './record-words';

/** What changed in the notice since the record was made, and a new record for whoever wants one. */
export function NoticeChanged(props: {
  id: string;
  record: Authorization;
  change: NoticeChange | undefined;
  onDone: (said: string) => void;
}) {
  const { id, record, change } = props;
  const effect = noticeEffect(record, change);
  const agree = useSubmit(async () => {
    await api.renewAuthorization(id, record.id, change?.to_sha256 ?? '');
    props.onDone(words.agreed(record.org_name));
  });
  if (!change || effect === 'none') return null;
  return (
    <div class="stack-tight" data-testid="notice-changed">
      {effect === 'soon' && <p class="note note-needs">{words.soon(date(change.effective_at))}</p>}
      {effect === 'told' && <p class="quiet">{words.told}</p>}
      <details>
        <summary data-testid="notice-show">{words.see}</summary>
        <Changes paragraphs={changedParts(change.paragraphs)} />
      </details>
      {effect !== 'told' && (
        <>
          <p class="quiet">{words.agreeBody(untilWords(record))}</p>
          {agree.error !== null && <ErrorBox error={agree.error} />}
          <p class="actions">
            <button
              type="button"
              class="button button-primary"
              aria-label={words.agreeLabel(record.org_name)}
              disabled={agree.busy}
              onClick={() => void agree.submit()}
              data-testid="notice-agree"
            >
              {words.agree}
            </button>
          </p>
        </>
      )}
    </div>
  );
}

/** Each change carries a word and its own line style, so that it can be told without colours. */
function Changes(props: { paragraphs: readonly ShownParagraph[] }) {
  return (
    <div class="diff">
      {props.paragraphs.map((paragraph, i) => {
        const key = `${i}`; // the same text can come twice
        const { change, heading, text } = paragraph;
        const marked = (
          <>
            {change !== 'same' && <span class="badge">{words.marks[change]}</span>}{' '}
            {heading ? <strong>{text}</strong> : text}
          </>
        );
        if (change === 'removed') {
          return (
            <del key={key} class="diff-removed">
              {marked}
            </del>
          );
        }
        if (change === 'added') {
          return (
            <ins key={key} class="diff-added">
              {marked}
            </ins>
          );
        }
        return <p key={key}>{marked}</p>;
      })}
    </div>
  );
}

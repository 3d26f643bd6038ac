import { useState } from 'preact/hooks';
import { api } from '../state';
import { contest as words } from '../text';
import { ErrorBox } from './errors';
import { Field } from './field';
import { clock } from './format';

const LONGEST_WORDS = 400;

/** What is typed and not sent yet, kept above the forms that come and go; by question, take and competency. */
export type ContestDrafts = Map<string, { text: string; moment: boolean }>;

export interface ContestFormProps {
  session: string;
  question: number;
  take: number;
  competency: string;
  atMs: number | null; // where the recording is; null: there is none
  drafts: ContestDrafts;
  onDone: () => void;
}

/** Asks for a second rating beside the first. It can be asked for once, so it says what comes of it. */
export function ContestForm(props: ContestFormProps) {
  const key = `${props.question}/${props.take}/${props.competency}`;
  const [draft, setDraft] = useState(props.drafts.get(key) ?? { text: '', moment: false });
  const write = (changed: Partial<typeof draft>) => {
    const next = { ...draft, ...changed };
    props.drafts.set(key, next);
    setDraft(next);
  };
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const { atMs } = props;
  const send = async () => {
    setBusy(true);
    setError(null);
    try {
      const at = draft.moment && atMs !== null ? Math.round(atMs) : null;
      await api.contest(props.session, props.question, props.take, props.competency, draft.text.trim(), at);
      props.drafts.delete(key);
      props.onDone();
    } catch (cause) {
      setError(cause);
    }
    setBusy(false);
  };
  return (
    <details class="no-print" open={props.drafts.has(key)} data-testid={`contest-${props.competency}`}>
      <summary>{words.title}</summary>
      <p class="quiet">{words.body}</p>
      <Field
        label={words.words}
        value={draft.text}
        onValue={(text) => write({ text })}
        maxLength={LONGEST_WORDS}
        required={false}
        hint={words.hint}
        testId={`contest-words-${props.competency}`}
      />
      {atMs !== null && (
        <label>
          <input
            type="checkbox"
            checked={draft.moment}
            onChange={(e) => write({ moment: e.currentTarget.checked })}
          />{' '}
          {words.moment(clock(atMs))}
        </label>
      )}
      <p class="actions">
        <button
          type="button"
          class="button"
          disabled={busy}
          onClick={send}
          data-testid={`contest-send-${props.competency}`}
        >
          {words.send}
        </button>
      </p>
      {error !== null && <ErrorBox error={error} />}
    </details>
  );
}

import { useState } from 'preact/hooks';
import { api } from '../state';
import { contest as words } from '../text';
import { ErrorBox } from './errors';
import { Field } from './field';
import { clock } from './format';

const LONGEST_WORDS = 400;

export interface ContestFormProps {
  session: string;
  question: number;
  take: number;
  competency: string;
  atMs: number | null; // where the recording is; null: there is none
  onDone: () => void;
}

/** Asks for a second rating beside the first. It can be asked for once, so it says what comes of it. */
export function ContestForm(props: ContestFormProps) {
  const [text, setText] = useState('');
  const [moment, setMoment] = useState(false);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const { atMs } = props;
  const send = async () => {
    setBusy(true);
    setError(null);
    try {
      const at = moment && atMs !== null ? Math.round(atMs) : null;
      await api.contest(props.session, props.question, props.take, props.competency, text.trim(), at);
      props.onDone();
    } catch (cause) {
      setError(cause);
    }
    setBusy(false);
  };
  return (
    <details class="no-print" data-testid={`contest-${props.competency}`}>
      <summary>{words.title}</summary>
      <p class="quiet">{words.body}</p>
      <Field
        label={words.words}
        value={text}
        onValue={setText}
        maxLength={LONGEST_WORDS}
        required={false}
        hint={words.hint}
        testId={`contest-words-${props.competency}`}
      />
      {atMs !== null && (
        <label>
          <input type="checkbox" checked={moment} onChange={(e) => setMoment(e.currentTarget.checked)} />{' '}
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

import { useEffect, useId, useRef, useState } from 'preact/hooks';
import type { Fit } from '../api/types';
import { api } from '../state';
import { start } from '../text';
import { ErrorBox } from '../ui/errors';

const words = start.tailor;
const MOST_BYTES = 1_000_000; // of a PDF, as the server takes it
const MOST_TEXT = 100_000;

/** A résumé or job description by which questions are preferred: pasted, or read from a PDF and looked at. */
export function Tailor(props: { role: string; text: string; onText: (text: string) => void }) {
  const { role, text, onText } = props;
  const id = useId();
  const file = useRef<HTMLInputElement>(null);
  const [note, setNote] = useState('');
  const [busy, setBusy] = useState(false);
  const [fit, setFit] = useState<Fit | null>(null);
  const [error, setError] = useState<unknown>(null);
  useEffect(() => setFit(null), [role]);
  const change = (value: string) => {
    onText(value.slice(0, MOST_TEXT));
    setFit(null);
  };
  const attempt = async (work: () => Promise<void>) => {
    setBusy(true);
    setError(null);
    try {
      await work();
    } catch (cause) {
      setNote('');
      setError(cause);
    } finally {
      setBusy(false);
    }
  };
  const look = (value: string) => attempt(async () => setFit(await api.fit(role, value)));
  const read = async () => {
    const chosen = file.current?.files?.[0];
    if (!chosen) return;
    if (chosen.size > MOST_BYTES) {
      setNote(words.tooLarge);
      return;
    }
    setNote(words.reading);
    await attempt(async () => {
      const found = await api.readPdf(new Blob([chosen], { type: 'application/pdf' }));
      change(text ? `${text}\n\n${found.text}` : found.text);
      setNote(found.cut ? words.cut : words.read);
    });
    if (file.current) file.current.value = '';
  };
  const remove = () => {
    change('');
    setNote('');
    setError(null);
  };
  return (
    <details class="tailor" data-testid="tailor">
      <summary>{words.summary}</summary>
      <p class="quiet">{words.body}</p>
      <div class="field">
        <label for={id}>{words.label}</label>
        <textarea
          id={id}
          rows={8}
          maxLength={MOST_TEXT}
          value={text}
          onInput={(event) => change(event.currentTarget.value)}
          data-testid="tailor-text"
        />
      </div>
      <p class="actions">
        <button
          type="button"
          class="button"
          disabled={busy || text.trim() === ''}
          onClick={() => void look(text)}
          data-testid="tailor-look"
        >
          {words.look}
        </button>
        <button type="button" class="button" disabled={busy} onClick={() => file.current?.click()}>
          {words.pdf}
        </button>
        {text !== '' && (
          <button type="button" class="button button-quiet" disabled={busy} onClick={remove}>
            {words.clear}
          </button>
        )}
      </p>
      <input
        ref={file}
        type="file"
        accept="application/pdf,.pdf"
        hidden
        onChange={() => void read()}
        aria-label={words.pdf}
        data-testid="tailor-file"
      />
      <div role="status" data-testid="tailor-status">
        {note !== '' && <p class="quiet">{note}</p>}
        {fit && (fit.questions === 0 ? <p>{words.none}</p> : <Found fit={fit} />)}
      </div>
      {error !== null && <ErrorBox error={error} />}
    </details>
  );
}

function Found(props: { fit: Fit }) {
  return (
    <>
      <p>{words.fits(props.fit.questions)}</p>
      <ul class="words" data-testid="tailor-words">
        {props.fit.words.map((word) => (
          <li key={word}>{word}</li>
        ))}
      </ul>
    </>
  );
}

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
  const now = useRef({ role, text }); // what was asked about may have changed when the answer comes
  now.current = { role, text };
  useEffect(() => setFit(null), [role]);
  /** Takes as much as the server does, and says whether that was all. */
  const change = (value: string): boolean => {
    const kept = value.slice(0, MOST_TEXT);
    now.current.text = kept;
    onText(kept);
    setFit(null);
    return kept === value;
  };
  const type = (box: HTMLTextAreaElement) => {
    const all = change(box.value);
    if (!all) box.value = now.current.text;
    setNote(all ? (note === words.tooLong ? '' : note) : words.tooLong);
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
  const look = () =>
    attempt(async () => {
      const found = await api.fit(role, text);
      if (now.current.role === role && now.current.text === text) setFit(found);
    });
  const read = async () => {
    const chosen = file.current?.files?.[0];
    if (!chosen) return;
    if (chosen.size > MOST_BYTES) {
      setError(null);
      setNote(words.tooLarge);
      if (file.current) file.current.value = ''; // a smaller one may have the same name
      return;
    }
    setNote(words.reading);
    await attempt(async () => {
      const found = await api.readPdf(new Blob([chosen], { type: 'application/pdf' }));
      const before = now.current.text;
      const all = change(before ? `${before}\n\n${found.text}` : found.text);
      setNote(all ? (found.cut ? words.cut : words.read) : words.tooLong);
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
          readOnly={busy}
          value={text}
          onInput={(event) => type(event.currentTarget)}
          data-testid="tailor-text"
        />
      </div>
      <p class="actions">
        <button
          type="button"
          class="button"
          disabled={busy || text.trim() === ''}
          onClick={() => void look()}
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

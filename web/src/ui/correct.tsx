import { useEffect, useId, useRef } from 'preact/hooks';
import type { Line } from '../api/types';
import { app, correct as words } from '../text';
import { lineText } from '../views/report-model';
import { type Change, differenceOf } from '../views/word-difference';
import type { Correction, Corrections } from './corrections';
import { ErrorBox } from './errors';
import { clock } from './format';

const LONGEST_LINE = 1000;
const ROW_CHARACTERS = 32; // as many as fit where the page is narrow

export interface CorrectProps {
  about: string; // a name of what the lines are of
  title: string;
  lines: readonly Line[];
  corrections: Corrections;
  onPlay: ((ms: number, untilMs: number) => void) | null;
  onDone: () => void;
}

/** One field for each line, with its sound, and what would change. */
export function CorrectTranscript(props: CorrectProps) {
  const { about, corrections } = props;
  const open = corrections.of(about);
  const opener = useRef<HTMLButtonElement>(null);
  const wasOpen = useRef(false);
  const pressed = useRef(false); // else it was open before, and whoever came back to it has the focus elsewhere
  useEffect(() => {
    if (wasOpen.current && !open) opener.current?.focus(); // its buttons are gone
    wasOpen.current = open !== null;
  }, [open]);
  if (props.lines.length === 0) return null;
  if (!open)
    return (
      <p class="no-print">
        <button
          type="button"
          class="button"
          ref={opener}
          onClick={() => {
            pressed.current = true;
            corrections.open(about, props.lines);
          }}
          data-testid={`correct-${about}`}
        >
          {props.title}
        </button>
      </p>
    );
  return <Editor {...props} open={open} focus={pressed.current} />;
}

function Editor(props: CorrectProps & { open: Correction; focus: boolean }) {
  const { about, corrections, open, onPlay } = props;
  const changes = open.changed.length;
  const save = async (event: Event) => {
    event.preventDefault();
    if (await corrections.save(about)) props.onDone();
  };
  return (
    <form class="form correct no-print" onSubmit={save} data-testid={`correcting-${about}`}>
      <p class="quiet">{onPlay ? words.listen : words.noSound}</p>
      {open.lines.map((line, place) => (
        <LineField
          key={`${line.epoch}-${line.sequence}`}
          line={line}
          focus={props.focus && place === 0}
          text={open.texts.value[place] ?? ''}
          busy={open.busy.value}
          onText={(text) => open.write(place, text)}
          onPlay={onPlay && (() => onPlay(line.start_ms, line.end_ms))}
        />
      ))}
      <p class="quiet">{words.what}</p>
      {open.error.value !== null && <ErrorBox error={open.error.value} />}
      <p class="actions">
        <button
          type="submit"
          class="button button-primary"
          disabled={open.busy.value || changes === 0}
          data-testid={`correct-save-${about}`}
        >
          {changes === 0 ? words.nothing : words.save(changes)}
        </button>
        <button
          type="button"
          class="button button-quiet"
          disabled={open.busy.value}
          onClick={() => corrections.cancel(about)}
          data-testid={`correct-cancel-${about}`}
        >
          {app.cancel}
        </button>
      </p>
    </form>
  );
}

interface LineFieldProps {
  line: Line;
  focus: boolean; // it gets it
  text: string;
  busy: boolean; // what was typed is on its way: it would not be part of it
  onText: (text: string) => void;
  onPlay: (() => void) | null;
}

function LineField(props: LineFieldProps) {
  const { line, text, onPlay } = props;
  const id = useId();
  const field = useRef<HTMLTextAreaElement>(null);
  useEffect(() => {
    if (props.focus) field.current?.focus();
  }, []);
  const at = clock(line.start_ms);
  const changes = differenceOf(lineText(line), text);
  const changed = changes.some((c) => c.kept === undefined);
  return (
    <div class="field">
      <div class="field-row correct-head">
        <label for={id}>{words.line(at)}</label>
        {onPlay && (
          <button type="button" class="button" onClick={onPlay} aria-label={words.playLine(at)}>
            {words.play}
          </button>
        )}
      </div>
      <textarea
        id={id}
        ref={field}
        rows={Math.ceil((text.length + 1) / ROW_CHARACTERS)}
        value={text}
        maxLength={LONGEST_LINE}
        readOnly={props.busy}
        onInput={(event) => props.onText(event.currentTarget.value)}
        onKeyDown={(event) => event.key === 'Enter' && event.preventDefault()} // a line is one line
        aria-describedby={changed ? `${id}-change` : undefined}
        data-testid={`correct-line-${line.epoch}-${line.sequence}`}
      />
      {changed && (
        <p class="hint" id={`${id}-change`} data-testid="correct-change">
          <Changes list={changes} />
        </p>
      )}
    </div>
  );
}

/** What stood there struck through, what stands there underlined. */
export function Changes(props: { list: readonly Change[] }) {
  return (
    <>
      {props.list.map((change, i) => (
        <span key={i}>
          {change.kept !== undefined && `${change.kept} `}
          {change.was !== undefined && (
            <>
              <del>
                <span class="visually-hidden">{words.was}</span> {change.was}
              </del>{' '}
            </>
          )}
          {change.now !== undefined && (
            <>
              <ins>
                <span class="visually-hidden">{words.now}</span> {change.now}
              </ins>{' '}
            </>
          )}
        </span>
      ))}
    </>
  );
}

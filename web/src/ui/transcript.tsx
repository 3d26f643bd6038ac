import { useEffect, useRef } from 'preact/hooks';
import type { Evidence, Flagged, Line } from '../api/types';
import { correct, report as words } from '../text';
import {
  correctedNote,
  currentLine,
  flaggedNote,
  flaggedWords,
  hearingNote,
  lineText,
  markedWords,
} from '../views/report-model';
import { clock } from './format';
import { SpokenWord } from './spoken-word';

export interface TranscriptProps {
  lines: readonly Line[];
  atMs: number;
  evidence: readonly Evidence[]; // of the question that is shown; its words are underlined
  flagged: readonly Flagged[]; // words that the level which counts was given without
  onPlay: ((ms: number) => void) | null; // null: there is nothing to play
}

export function Transcript(props: TranscriptProps) {
  const { lines } = props;
  const box = useRef<HTMLOListElement>(null);
  const current = currentLine(lines, props.atMs);
  useEffect(() => {
    const list = box.current;
    const line = list?.children[current];
    // Scrolls the list, never the page, and only when the line is out of sight.
    if (!list || !(line instanceof HTMLElement)) return;
    const top = line.offsetTop - list.offsetTop;
    if (top < list.scrollTop || top + line.offsetHeight > list.scrollTop + list.clientHeight)
      list.scrollTop = top - 40;
  }, [current]);
  if (lines.length === 0) return <p class="quiet">{words.noWords}</p>;
  const engines = [...new Set(lines.map((l) => l.engine))];
  return (
    <>
      <ol class="transcript" ref={box}>
        {lines.map((line, i) => (
          <li
            key={`${line.epoch}-${line.sequence}`}
            class={i === current ? 'line line-on' : 'line'}
            aria-current={i === current ? 'true' : undefined}
          >
            {props.onPlay ? (
              <button
                type="button"
                class="line-play"
                onClick={() => props.onPlay?.(line.start_ms)}
                aria-label={`${words.playFrom(clock(line.start_ms))}: ${lineText(line)} ${hearingNote(line)} ${correctedNote(line)} ${flaggedNote(line, props.flagged)}`.trim()}
                data-testid="transcript-line"
              >
                <LineBody line={line} evidence={props.evidence} flagged={props.flagged} />
              </button>
            ) : (
              <div class="line-play" data-testid="transcript-line">
                <LineBody line={line} evidence={props.evidence} flagged={props.flagged} />
                <span class="visually-hidden">
                  {hearingNote(line)} {correctedNote(line)} {flaggedNote(line, props.flagged)}
                </span>
              </div>
            )}
          </li>
        ))}
      </ol>
      <p class="quiet">
        {engines.map((engine) => words.engine(engine)).join(' ')}{' '}
        {lines.some((l) => l.interpolated) ? words.interpolated : ''}{' '}
        {lines.some((l) => l.words.some((w) => w.doubtful)) ? words.doubtfulWords : ''}{' '}
        {lines.some((l) => l.words.some((w) => w.heard !== undefined)) ? words.repairedWords : ''}{' '}
        {lines.some((l) => l.words.some((w) => w.corrected)) ? correct.words : ''}
      </p>
    </>
  );
}

function LineBody(props: { line: Line; evidence: readonly Evidence[]; flagged: readonly Flagged[] }) {
  const flagged = flaggedWords(props.line, props.flagged);
  const marked = markedWords(props.line, props.evidence);
  return (
    <>
      <span class="line-time figures">{clock(props.line.start_ms)}</span>
      <span class="line-text">
        {props.line.words.length === 0 && <span class="quiet">{correct.nobodySpoke}</span>}
        {props.line.words.map((word, i) => (
          <SpokenWord
            key={i}
            text={word.text}
            doubtful={word.doubtful === true}
            heard={word.heard}
            marked={marked.has(i)}
            flagged={flagged.has(i)}
            corrected={word.corrected === true}
          />
        ))}
      </span>
    </>
  );
}

import { correct, report, spoken as words } from '../text';

export interface SpokenWordProps {
  text: string;
  doubtful?: boolean; // the speech engine may have misheard it
  heard?: string | undefined; // what the engine wrote in its place
  marked?: boolean; // evidence
  flagged?: boolean; // it speaks to whoever rates
  corrected?: boolean; // the candidate wrote it in the place of what was heard
}

/** A word of a caption or a transcript, with what is known about how it was heard. */
export function SpokenWord(props: SpokenWordProps) {
  const name = ['word'];
  if (props.marked) name.push('word-marked');
  if (props.flagged) name.push('word-flagged');
  if (props.doubtful) name.push('word-doubtful');
  if (props.heard !== undefined) name.push('word-repaired');
  if (props.corrected) name.push('word-corrected');
  return (
    <>
      <span class={name.join(' ')} title={note(props)}>
        {props.text}
      </span>{' '}
    </>
  );
}

function note(props: SpokenWordProps): string | undefined {
  if (props.flagged) return report.flaggedWord;
  if (props.corrected) return correct.word;
  if (props.heard !== undefined) return words.heard(props.heard);
  return props.doubtful ? words.doubtful : undefined;
}

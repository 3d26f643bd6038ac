import type { Line } from '../api/types';
import { correct as words } from '../text';
import { changedWords } from '../views/report-model';
import { Changes } from './correct';
import { clock } from './format';

/** That lines were corrected and how many words; to the candidate also what was written first. */
export function CorrectedNote(props: { lines: readonly Line[]; own: boolean }) {
  const { own } = props;
  const corrected = props.lines.filter((l) => (l.changed ?? 0) > 0);
  if (corrected.length === 0) return null;
  const { changed, of } = changedWords(props.lines);
  const first = corrected.filter((l) => l.difference !== undefined);
  return (
    <div class="note" data-testid="corrected-note">
      <p>{own ? words.byYou(changed, of) : words.byCandidate(changed, of)}</p>
      {first.length > 0 && (
        <details>
          <summary>{words.showFirst}</summary>
          {first.map((line) => (
            <p key={`${line.epoch}-${line.sequence}`} data-testid="first-written">
              <span class="figures">{clock(line.start_ms)}</span> <Changes list={line.difference ?? []} />
            </p>
          ))}
        </details>
      )}
    </div>
  );
}

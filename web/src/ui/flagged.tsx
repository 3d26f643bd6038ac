import type { Take } from '../api/types';
import { report as words } from '../text';
import type { CompetencyResult } from '../views/report-model';

/** The words of an answer that the level which counts was given without, and what was given with them. */
export function FlaggedNote(props: { take: Take; results: readonly CompetencyResult[]; own: boolean }) {
  const flagged = props.take.flagged ?? [];
  if (flagged.length === 0) return null;
  return (
    <div class="note" data-testid="flagged-note">
      <p>{words.flagged}</p>
      {flagged.map((run) => (
        <p key={`${run.epoch}-${run.sequence}-${run.first}`} class="chip-quote">
          {`“${run.quote}”`}
        </p>
      ))}
      {props.results.map(({ competency, withFlagged: r }) =>
        r ? (
          <p key={competency.id} data-testid={`with-flagged-${competency.id}`}>
            {words.flaggedWith(
              competency.name,
              r.outcome === 'level' ? words.level(r.level ?? 0) : words.noLevel[r.outcome],
            )}
          </p>
        ) : null,
      )}
      {props.own && <p class="quiet">{words.flaggedOwn}</p>}
    </div>
  );
}

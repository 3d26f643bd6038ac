import type { Report, Standing } from '../api/types';
import { report as words } from '../text';
import { LevelBar } from './level-bar';

/** What the answers come to over the whole interview, by competency; nothing where no model rated. */
export function Standings(props: { report: Report }) {
  const { standings, competencies, label } = props.report;
  if (standings.length === 0) return null;
  return (
    <section class="stack-tight" data-testid="standings">
      <h2>{words.standingsTitle}</h2>
      <p class="quiet">
        {words.standingsHow} {label ? `${label.charAt(0).toUpperCase()}${label.slice(1)}.` : ''}
      </p>
      <ul class="standings">
        {standings.map((standing) => {
          const competency = competencies.find((c) => c.id === standing.competency);
          return (
            competency && (
              <li key={standing.competency} class="rating" data-testid={`standing-${standing.competency}`}>
                <p class="rating-head">
                  <strong>{competency.name}</strong>
                  <span>{inWords(standing)}</span>
                </p>
                {standing.level !== undefined && (
                  <LevelBar
                    level={standing.level}
                    low={standing.low}
                    high={standing.high}
                    competency={competency}
                  />
                )}
                <p class="quiet">
                  {words.coverage(standing.covered ?? 0, standing.planned ?? 0)}
                  {standing.low !== standing.high
                    ? ` ${words.levels(standing.low ?? 0, standing.high ?? 0)}`
                    : ''}
                  {standing.sureness ? ` ${words.overSureness[standing.sureness]}` : ''}
                </p>
              </li>
            )
          );
        })}
      </ul>
    </section>
  );
}

function inWords(standing: Standing): string {
  if (standing.outcome !== 'level') return words.noLevel[standing.outcome];
  return words.level(standing.level ?? 0);
}

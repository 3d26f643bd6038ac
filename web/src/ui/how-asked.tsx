import type { Rating } from '../api/types';
import { report as reportWords, howAsked as words } from '../text';

/** How each model was asked, and under which name it answered: a server may change either. */
export function HowAsked(props: { ratings: Rating[] }) {
  const asked = props.ratings.filter((r) => r.rater.held);
  if (asked.length === 0) return null;
  return (
    <details data-testid="how-asked">
      <summary>{words.title}</summary>
      <ul>
        {asked.map((r) => (
          <li key={r.rater.pass ?? r.at}>
            {r.rater.model}
            {r.rater.pass ? `, ${reportWords.passes[r.rater.pass]}` : ''}:{' '}
            {r.rater.held && words.held[r.rater.held]}
            {r.rater.answered ? ` ${words.answered(r.rater.answered)}` : ''}
            {r.rater.prompt_sha256 && (
              <>
                {' '}
                <span class="quiet fingerprint">
                  {words.instructions(r.rater.prompt_sha256.slice(0, 12))}
                </span>
              </>
            )}
          </li>
        ))}
      </ul>
    </details>
  );
}

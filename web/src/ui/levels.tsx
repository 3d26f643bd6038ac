import { useEffect, useRef } from 'preact/hooks';
import type { Contest, Evidence, Rating } from '../api/types';
import {
  contest as contestWords,
  correct as correctWords,
  heardBadly,
  partlyRead,
  report as words,
} from '../text';
import type { CompetencyResult } from '../views/report-model';
import { anchorText, rangeWords } from '../views/report-model';
import { clock } from './format';
import { HowAsked } from './how-asked';
import { LevelBar } from './level-bar';

/** What models and people said about one competency, with the words it rests on. */
export function Levels(props: {
  result: CompetencyResult;
  label: string | null;
  onPlay: ((ms: number) => void) | null;
  justContested?: boolean; // by a click here
  quotesWithheld?: boolean; // what levels rest on is not shown to this reader
}) {
  const { competency, others, earlier, evidence } = props.result;
  const models = others.filter((r) => r.rater.kind === 'model');
  const people = others.filter((r) => r.rater.kind !== 'model');
  return (
    <>
      {models.length > 0 && <ModelRatings result={props.result} ratings={models} label={props.label} />}
      {earlier.length > 0 && (
        <EarlierRatings
          competency={competency.id}
          ratings={earlier}
          label={models.length === 0 ? props.label : null}
        />
      )}
      {props.result.contest && (
        <ContestNote
          contest={props.result.contest}
          ratings={[...models, ...earlier]}
          first={props.justContested ?? false}
        />
      )}
      {people.map((rating) => (
        <div class="rating" key={rating.at} data-testid={`person-${competency.id}`}>
          <p class="rating-head">
            <span class="badge">{personBadge(rating)}</span>
            {rating.before_correction && <span class="quiet">{correctWords.given}</span>}
            {rating.level !== undefined && <strong>{words.level(rating.level)}</strong>}
          </p>
          {rating.level !== undefined && <LevelBar level={rating.level} competency={competency} />}
          <Sentences rating={rating} />
          {rating.why && <p>{`“${rating.why}”`}</p>}
        </div>
      ))}
      {((models.length > 0 && !props.quotesWithheld) || evidence.length > 0) && (
        <div class="evidence">
          <p class="label">{words.evidence}</p>
          {evidence.length === 0 && <p class="quiet">{words.noEvidence}</p>}
          <ul class="chips">
            {evidence.map((e) => (
              <Chip
                key={`${competency.id}-${e.epoch}-${e.sequence}-${e.first}-${e.last}-${e.polarity}`}
                evidence={e}
                onPlay={props.onPlay}
              />
            ))}
          </ul>
        </div>
      )}
    </>
  );
}

/** What the models' ratings come to, who gave which, and the sentences of the first. */
function ModelRatings(props: { result: CompetencyResult; ratings: Rating[]; label: string | null }) {
  const { result, ratings } = props;
  const { competency, standing } = result;
  const first = ratings.find((r) => r.rater.pass === 'first') ?? ratings[0];
  const others = ratings.filter((r) => r !== first && (r.why_not_higher || r.why_not_lower));
  const level = standing?.level;
  return (
    <div class="rating" data-testid={`rating-${competency.id}`}>
      {level !== undefined && (
        <>
          <p class="rating-head">
            <strong>{words.level(level)}</strong>
          </p>
          <LevelBar level={level} low={standing?.low} high={standing?.high} competency={competency} />
          {anchorText(competency, level) && <p class="quiet">{anchorText(competency, level)}</p>}
          {standing && (
            <p data-testid="standing">
              {rangeWords(standing)} {standing.sureness ? words.sureness[standing.sureness] : ''}
            </p>
          )}
        </>
      )}
      {heardBadlyIn(ratings).map((flaw) => (
        <p class="quiet" key={flaw} data-testid={`heard-${flaw}`}>
          {heardBadly[flaw]}
        </p>
      ))}
      {ratings.some((r) => r.partly_read) && (
        <p class="quiet" data-testid="partly-read">
          {partlyRead}
        </p>
      )}
      <ul class="raters">
        {ratings.map((r) => (
          <li key={r.rater.pass ?? r.at} class="badge" data-testid="rater">
            {badge(r)}
          </li>
        ))}
      </ul>
      {first && <Sentences rating={first} />}
      {others.length > 0 && (
        <details>
          <summary>{words.otherRatings}</summary>
          {others.map((r) => (
            <div key={r.rater.pass ?? r.at} class="rating">
              <p>{badge(r)}</p>
              <Sentences rating={r} />
            </div>
          ))}
        </details>
      )}
      <HowAsked ratings={ratings} />
      {props.label && <p class="quiet rating-label">{capital(props.label)}</p>}
    </div>
  );
}

/** What models rated before the words were corrected. It counts for nothing, and has no sentences for others. */
function EarlierRatings(props: { competency: string; ratings: Rating[]; label: string | null }) {
  const { ratings } = props;
  const said = ratings.filter((r) => r.why_not_higher || r.why_not_lower);
  return (
    <div class="rating" data-testid={`earlier-${props.competency}`}>
      <p class="label">{correctWords.before}</p>
      <ul class="raters">
        {ratings.map((r) => (
          <li key={`${r.revision}-${r.rater.pass}`} class="badge">
            {badge(r)}
          </li>
        ))}
      </ul>
      {said.length > 0 && (
        <details>
          <summary>{correctWords.beforeSaid}</summary>
          {said.map((r) => (
            <div key={`${r.revision}-${r.rater.pass}`} class="rating">
              <p>{badge(r)}</p>
              <Sentences rating={r} />
            </div>
          ))}
        </details>
      )}
      {props.label && <p class="quiet rating-label">{capital(props.label)}</p>}
    </div>
  );
}

/** What came of a contest, in words; the rating itself stands among the others. */
function ContestNote(props: { contest: Contest; ratings: Rating[]; first: boolean }) {
  const { contest, ratings } = props;
  const note = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (props.first) note.current?.focus(); // the button that was pressed is gone
  }, []);
  const again = ratings.find((r) => r.rater.pass === 'contest');
  let came = contestWords.byPeople;
  if (contest.by_model) came = contest.looked_at ? contestWords.nothing : contestWords.waiting;
  if (again) came = contestWords.rated(saidOf(again));
  return (
    <div class="note" role="status" ref={note} tabIndex={-1} data-testid="contest-note">
      <p>
        {contestWords.contested} {came}
      </p>
      {contest.words && <p>{`“${contest.words}”`}</p>}
      {contest.moment_ms !== undefined && <p class="quiet">{contestWords.about(clock(contest.moment_ms))}</p>}
    </div>
  );
}

/** What was wrong with the sound, as any of the ratings was given with it. */
function heardBadlyIn(ratings: Rating[]): NonNullable<Rating['heard_badly']> {
  return [...new Set(ratings.flatMap((r) => r.heard_badly ?? []))];
}

function personBadge(rating: Rating): string {
  const who = rating.yours ? words.raters.self : words.raters.human;
  return rating.org_name ? `${who} (${rating.org_name})` : who;
}

function saidOf(rating: Rating): string {
  return rating.outcome === 'level' ? words.level(rating.level ?? 0) : words.noLevel[rating.outcome];
}

function badge(rating: Rating): string {
  const said = saidOf(rating);
  const pass = rating.rater.pass ? `, ${words.passes[rating.rater.pass]}` : '';
  return `${words.raters.model} · ${rating.rater.model ?? ''}${pass}: ${said}`;
}

function Sentences(props: { rating: Rating }) {
  const { rating } = props;
  return (
    <>
      {rating.outcome === 'not_observed' && <p>{words.notObserved}</p>}
      {rating.outcome === 'not_assessable' && <p>{words.notAssessable(rating.reason ?? '')}</p>}
      {rating.why_not_higher && <Why title={words.whyNotHigher} text={rating.why_not_higher} />}
      {rating.why_not_lower && <Why title={words.whyNotLower} text={rating.why_not_lower} />}
    </>
  );
}

function Why(props: { title: string; text: string }) {
  return (
    <p>
      <span class="label">{props.title}</span> {props.text}
    </p>
  );
}

/** A chip shows the words the server rendered and plays their moment. */
function Chip(props: { evidence: Evidence; onPlay: ((ms: number) => void) | null }) {
  const { evidence, onPlay } = props;
  const start = evidence.start_ms;
  const part = words.parts[evidence.part] ?? '';
  const body = (
    <>
      <span class={`chip-mark chip-${evidence.polarity}`}>
        {words[evidence.polarity]}
        {part ? ` · ${part}` : ''}
      </span>
      <span class="chip-quote">{evidence.quote ? `“${evidence.quote}”` : words.quoteWithheld}</span>
      {start !== undefined && <span class="figures chip-time">{clock(start)}</span>}
    </>
  );
  return (
    <li>
      {onPlay && start !== undefined ? (
        <button type="button" class="chip" onClick={() => onPlay(start)} data-testid="evidence-chip">
          {body}
        </button>
      ) : (
        <span class="chip" data-testid="evidence-chip">
          {body}
        </span>
      )}
    </li>
  );
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

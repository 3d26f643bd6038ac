import type { RetentionPlace, RetentionRule } from '../api/types';
import { api } from '../state';
import { retention as words } from '../text';
import { period, plainName } from '../ui/format';
import { Loaded, useLoad } from '../ui/load';
import { TestNames } from '../ui/test-names';

/** The registry that the server itself runs by: how long each kind of thing is kept, how it goes, where it lies. */
export function Retention() {
  const schedule = useLoad((signal) => api.retention({ signal }), 'retention');
  return (
    <section>
      <h2>{words.title}</h2>
      <p>{words.intro}</p>
      <details>
        <summary data-testid="retention-show">{words.show}</summary>
        <Loaded of={schedule} lines={8}>
          {({ rules }) => (
            <ul class="rows" data-testid="retention">
              {rules.map((rule) => (
                <Rule key={rule.class} rule={rule} />
              ))}
            </ul>
          )}
        </Loaded>
      </details>
    </section>
  );
}

function Rule(props: { rule: RetentionRule }) {
  const { rule } = props;
  const name = words.classes[rule.class] ?? plainName(rule.class);
  const lines: [string, string][] = [
    [words.trigger, rule.trigger],
    [words.mechanism, rule.mechanism],
    [words.evidence, rule.evidence],
  ];
  return (
    <li class="rule-kept">
      <div class="rule-head">
        <h3>{name}</h3>
        <p>
          {rule.kept ? (
            <>
              <strong>{period(rule.kept)}</strong> {words.from(rule.from)}
            </>
          ) : (
            rule.from
          )}
        </p>
      </div>
      <p class="quiet">{rule.holds}.</p>
      <details class="proof">
        <summary>
          {words.more}
          <span class="visually-hidden">: {name}</span>
        </summary>
        <dl class="facts-list">
          {lines.map(([term, text]) => (
            <div key={term}>
              <dt>{term}</dt>
              <dd>{text}</dd>
            </div>
          ))}
          <div>
            <dt>{words.places}</dt>
            <dd>
              <Places places={rule.places} />
            </dd>
          </div>
        </dl>
        {rule.tests.length > 0 && <TestNames tests={rule.tests} />}
      </details>
    </li>
  );
}

function Places(props: { places: RetentionPlace[] }) {
  if (props.places.length === 0) return <>{words.nowhere}</>;
  return (
    <ul class="places">
      {props.places.map((place) => (
        <li key={place.name}>
          <code>{place.name}</code> {words.natures[place.nature]}
          {place.nature === 'personal' && `, ${place.encrypted ? words.encrypted : words.readable}`}
        </li>
      ))}
    </ul>
  );
}

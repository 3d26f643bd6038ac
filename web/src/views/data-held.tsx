import type { Holding } from '../api/types';
import { data as words } from '../text';
import { plainName } from '../ui/format';
import { amount, howLong } from './data-model';

/** What there is, how much, since when and until when. What there is nothing of stands below, in one line. */
export function Held(props: { holdings: readonly Holding[] }) {
  const some = props.holdings.filter((one) => one.count > 0);
  const none = props.holdings.filter((one) => one.count === 0);
  return (
    <section>
      <h2>{words.held}</h2>
      <ul class="rows" data-testid="held">
        {some.map((one) => (
          <li key={one.thing} class="row held">
            <span>
              <strong>{nameOf(one)}</strong> <span class="quiet figures">{amount(one)}</span>
            </span>
            <span class="quiet">{howLong(one)}</span>
          </li>
        ))}
      </ul>
      {none.length > 0 && <p class="quiet">{words.nothing(none.map((one) => nameOf(one).toLowerCase()))}</p>}
      <p class="quiet">
        {words.schedule} <a href="/privacy">{words.scheduleLink}</a>
      </p>
    </section>
  );
}

const nameOf = (one: Holding): string => words.things[one.thing] ?? plainName(one.thing);

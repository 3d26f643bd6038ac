import type { Report } from '../api/types';
import { agreement as words } from '../text';
import { date } from './format';
import { TableBox } from './page';

type Agreement = NonNullable<Report['agreement']>;
type Interval = Agreement['kappa'];

/** How far the model's levels agree with people's, where that was measured; on screen and on paper. */
export function ModelAgreement(props: { of: Agreement }) {
  const { of } = props;
  return (
    <div data-testid="agreement">
      <p class="quiet">
        {words.sentence(of.models, of.answers, of.questions, of.people, date(of.measured_at))} {words.limit}
      </p>
      <TableBox label={words.title}>
        <table class="measurements">
          <thead>
            <tr>
              <th scope="col">{words.columns.what}</th>
              <th scope="col" class="number">
                {words.columns.value}
              </th>
              <th scope="col" class="number">
                {words.columns.interval}
              </th>
              <th scope="col" class="number">
                {words.columns.n}
              </th>
            </tr>
          </thead>
          <tbody>
            <Row name={words.kappa} counted={words.kappaCounted} of={of.kappa} />
            {of.humans && <Row name={words.humans} counted={words.humansCounted} of={of.humans} />}
            <Row name={words.icc} counted={words.iccCounted} of={of.icc} />
            <Row name={words.bias} counted={words.biasCounted} of={of.bias} />
            {of.pairs && <Row name={words.pairs} counted={words.pairsCounted} of={of.pairs} />}
            {of.attacks && <Row name={words.attacks} counted={words.attacksCounted} of={of.attacks} />}
          </tbody>
        </table>
      </TableBox>
    </div>
  );
}

function Row(props: { name: string; counted: string; of: Interval }) {
  const { name, counted, of } = props;
  return (
    <tr>
      <th scope="row">
        {name}
        <p class="counted">{counted}</p>
      </th>
      <td class="figures number">{of.value.toFixed(2)}</td>
      <td class="figures number">{words.interval(of.low.toFixed(2), of.high.toFixed(2))}</td>
      <td class="figures number">{of.n}</td>
    </tr>
  );
}

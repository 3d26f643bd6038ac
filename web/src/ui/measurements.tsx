import type { Measurement } from '../api/types';
import { report as words } from '../text';
import { inOrder, measurementName, measurementValue } from '../views/report-model';
import { TableBox } from './page';

export function Measurements(props: { list: readonly Measurement[] }) {
  return (
    <TableBox label={words.measurements}>
      <table class="measurements" data-testid="measurements">
        <thead>
          <tr>
            <th scope="col">{words.measurementColumns.name}</th>
            <th scope="col" class="number">
              {words.measurementColumns.value}
            </th>
          </tr>
        </thead>
        <tbody>
          {inOrder(props.list).map((m) => (
            <tr key={m.name} data-testid={`measurement-${m.name}`}>
              <th scope="row">
                {measurementName(m.name)}
                <p class="counted">{m.counted}</p>
                {!m.valid && <p class="counted not-valid">{words.notValid(m.invalid ?? '')}</p>}
              </th>
              <td class="figures number">{measurementValue(m)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </TableBox>
  );
}

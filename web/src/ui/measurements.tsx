import type { Measurement } from '../api/types';
import { report as words } from '../text';
import { measurementName, measurementValue } from '../views/report-model';
import { TableBox } from './page';

export function Measurements(props: { list: readonly Measurement[] }) {
  return (
    <TableBox label={words.measurements}>
      <table class="measurements" data-testid="measurements">
        <thead>
          <tr>
            <th scope="col">{words.measurementColumns.name}</th>
            <th scope="col">{words.measurementColumns.value}</th>
            <th scope="col">{words.measurementColumns.counted}</th>
          </tr>
        </thead>
        <tbody>
          {props.list.map((m) => (
            <tr key={m.name} data-testid={`measurement-${m.name}`}>
              <th scope="row">{measurementName(m.name)}</th>
              <td class="figures">{measurementValue(m)}</td>
              <td>
                {m.counted} {!m.valid && <strong class="not-valid">{words.notValid(m.invalid ?? '')}</strong>}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </TableBox>
  );
}

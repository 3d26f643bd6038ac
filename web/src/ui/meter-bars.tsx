import { METER_LEVELS } from '../room/meter';

/** The last 5 s of the microphone as bars. */
export function MeterBars(props: { levels: readonly number[]; label: string }) {
  return (
    <svg
      class="meter"
      viewBox={`0 0 ${METER_LEVELS * 4} 40`}
      preserveAspectRatio="none"
      role="img"
      aria-label={props.label}
      data-testid="meter"
    >
      {props.levels.map((level, i) => {
        const height = Math.max(1, level * 40);
        return <rect key={i} x={i * 4} y={40 - height} width="3" height={height} rx="1" />;
      })}
    </svg>
  );
}

import { qrPath, quietZone } from './qr-path';

/** Dark on light in both colour schemes: many cameras read nothing else. */
export function QR(props: { rows: string[]; label: string }) {
  const size = props.rows.length + 2 * quietZone;
  return (
    <svg
      class="qr"
      viewBox={`0 0 ${size} ${size}`}
      role="img"
      aria-label={props.label}
      shape-rendering="crispEdges"
    >
      <rect class="qr-light" width={size} height={size} />
      <path class="qr-dark" d={qrPath(props.rows)} />
    </svg>
  );
}

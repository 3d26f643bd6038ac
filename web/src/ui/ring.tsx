/** A ring that empties as time passes; its text says the same. */
export function Ring(props: { left: number; label: string; clock: string; spoken: string }) {
  const radius = 54;
  const round = 2 * Math.PI * radius;
  const left = Math.min(1, Math.max(0, props.left));
  return (
    <div class="ring" role="timer" aria-label={`${props.label}: ${props.spoken}`}>
      <svg viewBox="0 0 120 120" aria-hidden="true">
        <circle class="ring-track" cx="60" cy="60" r={radius} />
        <circle class="ring-left" cx="60" cy="60" r={radius} stroke-dasharray={`${round * left} ${round}`} />
      </svg>
      <div class="ring-text" aria-hidden="true">
        <span class="ring-clock">{props.clock}</span>
        <span class="ring-label">{props.label}</span>
      </div>
    </div>
  );
}

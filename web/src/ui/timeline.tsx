import type { Evidence, Report } from '../api/types';
import type { Missing } from '../room/gaps';
import { missing } from '../room/gaps';
import { report as words } from '../text';
import { bands, missingWords, timelineMs } from '../views/report-model';
import { clock, countdown } from './format';

export interface TimelineProps {
  report: Report;
  chosen: number; // place of the question that is shown beside
  atMs: number;
  evidence: readonly Evidence[];
  onBand: (question: number, take: number, startMs: number) => void;
}

/** The questions as bands, what is missing hatched, evidence as ticks (filled supports, hollow contradicts). */
export function Timeline(props: TimelineProps) {
  const { report } = props;
  const total = timelineMs(report);
  const part = (ms: number) => `${(Math.min(ms, total) / total) * 100}%`;
  const gaps = missing(report.gaps);
  const ticks = props.evidence.filter((e) => e.start_ms !== undefined);
  return (
    <section class="timeline" aria-label={words.timeline}>
      <div class="timeline-line">
        {bands(report).map((band) => (
          <button
            type="button"
            key={`${band.question}-${band.take}`}
            class={band.question === props.chosen ? 'band band-on' : 'band'}
            style={{ left: part(band.start_ms), width: part(band.end_ms - band.start_ms) }}
            aria-label={words.bandLabel(band.question + 1, clock(band.start_ms), clock(band.end_ms))}
            onClick={() => props.onBand(band.question, band.take, band.start_ms)}
            data-testid="timeline-band"
          >
            {band.question + 1}
          </button>
        ))}
        {gaps.map((gap) => (
          <span
            key={`gap-${gap.start_ms}-${gap.reason}`}
            class={gap.audio_ms === 0 ? 'gap gap-picture' : 'gap'}
            style={{ left: part(gap.start_ms), width: part(gap.end_ms - gap.start_ms) }}
            title={gapWords(gap)}
            data-testid="timeline-gap"
          />
        ))}
        {ticks.map((e) => (
          <span
            key={`tick-${e.competency}-${e.start_ms}-${e.polarity}`}
            class={e.polarity === 'supports' ? 'tick tick-supports' : 'tick tick-contradicts'}
            style={{ left: part(e.start_ms ?? 0) }}
          />
        ))}
        <span class="playhead" style={{ left: part(props.atMs) }} />
      </div>
      <p class="timeline-ends figures" aria-hidden="true">
        <span>0:00</span>
        <span>{clock(total)}</span>
      </p>
      {gaps.length > 0 && (
        <ul class="gap-list">
          {gaps.map((gap) => (
            <li key={`${gap.start_ms}-${gap.reason}`}>
              <span class="gap-sample" aria-hidden="true" /> {gapWords(gap)}
            </li>
          ))}
        </ul>
      )}
      {ticks.length > 0 && (
        <p class="legend">
          <span class="tick-sample tick-supports" aria-hidden="true" /> {words.legendSupports}
          <span class="tick-sample tick-contradicts" aria-hidden="true" /> {words.legendContradicts}
        </p>
      )}
    </section>
  );
}

function gapWords(gap: Missing): string {
  const where = words.gapLabel(clock(gap.start_ms), countdown(gap.end_ms), missingWords(gap));
  return gap.reason ? `${where}: ${words.gapReasons[gap.reason] ?? gap.reason}` : where;
}

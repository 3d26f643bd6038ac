import { certificateUrl } from '../api/endpoints';
import type { Erasure } from '../api/types';
import { erasures as words } from '../text';
import { CheckIt } from '../ui/check-it';
import { ErrorBox } from '../ui/errors';
import { date, dateTime } from '../ui/format';
import type { Load } from '../ui/load';
import { useAgain } from '../ui/use-again';
import { erasureWords, isUnderWay } from './erasure-words';
import { ErasedReceipts } from './receipts';

/** How often the list is asked for while something is under way. */
const AGAIN_MS = 1_000;

/** What was asked to be erased: how far it is, and the certificate when it is done. */
export function Erasures(props: { list: Load<{ erasures: Erasure[] }> }) {
  const { value, error, reload } = props.list;
  const erasures = value?.erasures ?? [];
  useAgain(props.list, erasures.some(isUnderWay), AGAIN_MS);
  if (erasures.length === 0 && error === null) return null;
  return (
    <section data-testid="erasures">
      <h2>{words.title}</h2>
      {error !== null && <ErrorBox error={error} retry={reload} />}
      <p class="quiet">
        {words.body} <CheckIt command={words.command} />
      </p>
      <ul class="rows">
        {erasures.map((e) => (
          <Row key={e.id} erasure={e} />
        ))}
      </ul>
    </section>
  );
}

function Row(props: { erasure: Erasure }) {
  const { erasure: e } = props;
  const done = e.state === 'done';
  return (
    <li class="record" data-testid={`erasure-${e.state}`}>
      <div class="record-head">
        <div>
          <span class={done ? 'badge' : 'badge badge-needs'}>{words.states[e.state]}</span>{' '}
          {words.asked(dateTime(e.requested_at), words.causes[e.cause])}
          <p class="quiet" role="status">
            {erasureWords(e)}
          </p>
          {e.backup_horizon && <p class="quiet">{words.horizon(date(e.backup_horizon))}</p>}
        </div>
        {done && (
          <a
            class="button"
            href={certificateUrl(e.id)}
            download={`erasure-${e.id}.json`}
            aria-label={words.certificateLabel(dateTime(e.requested_at))}
            data-testid="erasure-certificate"
          >
            {words.certificate}
          </a>
        )}
      </div>
      <details>
        <summary>{words.steps}</summary>
        <ol class="steps">
          {e.steps.map((step) => (
            <li key={step.step} class={step.done_at ? 'step-done' : 'step-open'}>
              {words.stepNames[step.step]}
              <span class="quiet"> {step.done_at ? words.stepDone(step.count) : words.stepOpen}</span>
            </li>
          ))}
        </ol>
      </details>
      <ErasedReceipts session={e.session} />
    </li>
  );
}

import { useState } from 'preact/hooks';
import { api } from '../state';
import { objection as words } from '../text';
import { ErrorBox } from '../ui/errors';
import { dateTime } from '../ui/format';
import { Loaded, useLoad } from '../ui/load';
import { useSubmit } from '../ui/submit';

/** The switch against AI for everything of the candidate's: one click either way. */
export function ObjectionToAI() {
  const page = useLoad((signal) => api.aiObjection({ signal }), 'ai-objection');
  const [said, setSaid] = useState('');
  const objected = page.value?.objected ?? false;
  const change = useSubmit(async () => {
    await (objected ? api.liftAIObjection() : api.objectToAI());
    setSaid(objected ? words.lifted : words.said);
    page.reload();
  });
  return (
    <section class="card" data-testid="objection">
      <h2>{objected ? words.onTitle : words.title}</h2>
      <Loaded of={page} lines={2}>
        {({ since }) => (
          <>
            <p>{objected ? words.on(dateTime(since ?? '')) : words.body}</p>
            <p class="quiet">{objected ? words.liftBody : words.before}</p>
            {change.error !== null && <ErrorBox error={change.error} />}
            <p class="actions">
              <button
                type="button"
                class="button"
                disabled={change.busy}
                onClick={() => void change.submit()}
                data-testid={objected ? 'objection-lift' : 'objection-set'}
              >
                {objected ? words.lift : words.submit}
              </button>
              <span role="status">{said}</span>
            </p>
          </>
        )}
      </Loaded>
    </section>
  );
}

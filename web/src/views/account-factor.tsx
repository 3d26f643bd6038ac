import { useState } from 'preact/hooks';
import type { OfferedFactor } from '../api/types';
import { api, me } from '../state';
import { app, login, factor as words } from '../text';
import { ErrorBox } from '../ui/errors';
import { Field } from '../ui/field';
import { ProofFields, useProof } from '../ui/proof';
import { QR } from '../ui/qr';
import { useSubmit } from '../ui/submit';

/** The second factor: off, being set up, on. Without it employers and operations see nothing else. */
export function SecondFactor(props: { onChanged?: () => void }) {
  const [offer, setOffer] = useState<OfferedFactor | null>(null);
  const begin = useSubmit(async () => setOffer(await api.offerSecondFactor()));
  const state = me.value?.second_factor;
  if (offer) return <SetUp offer={offer} onEnd={() => setOffer(null)} onChanged={props.onChanged} />;
  return (
    <section class="card">
      <h2>{words.title}</h2>
      <p data-testid={`factor-${state}`}>{state === 'on' ? words.on : words.what}</p>
      {begin.error !== null && <ErrorBox error={begin.error} />}
      <button
        type="button"
        class={state === 'on' ? 'button' : 'button button-primary'}
        disabled={begin.busy}
        onClick={() => void begin.submit()}
        data-testid="factor-begin"
      >
        {state === 'on' ? words.replace : words.begin}
      </button>
      {state === 'on' && me.value?.kind === 'candidate' && <Drop onChanged={props.onChanged} />}
      <p class="quiet">{words.lost}</p>
    </section>
  );
}

function SetUp(props: { offer: OfferedFactor; onEnd: () => void; onChanged: (() => void) | undefined }) {
  const [code, setCode] = useState('');
  const { submit, busy, error } = useSubmit(async () => {
    me.value = await api.keepSecondFactor(code);
    props.onEnd();
    props.onChanged?.();
  });
  const groups = props.offer.secret.match(/.{1,4}/g) ?? [];
  return (
    <section class="card">
      <h2>{words.setUp}</h2>
      <ol class="prose">
        <li>{words.steps.program}</li>
        <li>{words.steps.scan}</li>
        <li>{words.steps.code}</li>
      </ol>
      <div class="factor">
        <QR rows={props.offer.qr} label={words.qr} />
        <div class="stack-tight">
          <p class="quiet">{words.byHand}</p>
          <p>
            <code class="secret" data-testid="factor-secret">
              {groups.join(' ')}
            </code>
          </p>
        </div>
      </div>
      <form class="form" onSubmit={submit}>
        <Field
          label={login.code}
          type="code"
          value={code}
          onValue={setCode}
          hint={login.codeHint}
          testId="factor-code"
        />
        {error !== null && <ErrorBox error={error} />}
        <p class="actions">
          <button class="button button-primary" type="submit" disabled={busy} data-testid="factor-submit">
            {words.submit}
          </button>
          <button type="button" class="button button-quiet" onClick={props.onEnd}>
            {app.cancel}
          </button>
        </p>
      </form>
      <p class="quiet">{words.ends}</p>
    </section>
  );
}

function Drop(props: { onChanged: (() => void) | undefined }) {
  const proof = useProof(me.value);
  const { submit, busy, error } = useSubmit(async () => {
    try {
      await api.dropSecondFactor(proof.password, proof.code);
    } finally {
      proof.clearCode();
    }
    if (me.value) me.value = { ...me.value, second_factor: 'off' };
    props.onChanged?.();
  });
  return (
    <details>
      <summary>{words.drop}</summary>
      <form class="form" onSubmit={submit}>
        <p>{words.dropBody}</p>
        <ProofFields proof={proof} label={login.password} testId="drop" />
        {error !== null && <ErrorBox error={error} />}
        <button class="button button-danger" type="submit" disabled={busy} data-testid="factor-drop">
          {words.dropSubmit}
        </button>
      </form>
    </details>
  );
}

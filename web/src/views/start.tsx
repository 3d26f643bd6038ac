import { useState } from 'preact/hooks';
import { useLocation } from 'preact-iso';
import type { Mode, Role } from '../api/types';
import { api } from '../state';
import { modes, start } from '../text';
import { Choice } from '../ui/choice';
import { ErrorBox } from '../ui/errors';
import { Loaded, useLoad } from '../ui/load';
import { Page } from '../ui/page';
import { lengthFor } from './start-length';
import { Tailor } from './start-tailor';
import { sessionPath } from './steps';

export function StartView() {
  const bank = useLoad((signal) => api.bank({ signal }), 'bank');
  return (
    <Page title={start.title}>
      <Loaded of={bank} lines={6}>
        {(found) =>
          found.roles.length === 0 ? (
            <p>{start.noRoles}</p>
          ) : (
            <Choose roles={found.roles} takes={found.practice_takes} mostFollowUps={found.follow_ups} />
          )
        }
      </Loaded>
    </Page>
  );
}

function Choose(props: { roles: Role[]; takes: number; mostFollowUps: number }) {
  const { route } = useLocation();
  const [roleId, setRoleId] = useState(props.roles.length === 1 ? (props.roles[0]?.id ?? '') : '');
  const [mode, setMode] = useState<Mode>('practice');
  const [wanted, setWanted] = useState(0); // questions; 0: the usual
  const [followUps, setFollowUps] = useState(false);
  const [text, setText] = useState(''); // what questions are preferred by
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const role = props.roles.find((r) => r.id === roleId);
  const length = role && lengthFor(role, mode, wanted);
  const submit = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    setError(null);
    try {
      const asked = { role: roleId, mode, questions: length?.questions };
      const inPractice = { text: text || undefined, follow_ups: followUps || undefined };
      const session = await api.startSession(mode === 'practice' ? { ...asked, ...inPractice } : asked);
      route(sessionPath(session));
    } catch (cause) {
      setError(cause);
      setBusy(false);
    }
  };
  return (
    <form class="form form-wide" onSubmit={submit}>
      <fieldset>
        <legend>{start.role}</legend>
        <div class="choices">
          {props.roles.map((r) => (
            <Choice
              key={r.id}
              name="role"
              checked={r.id === roleId}
              onChoose={() => setRoleId(r.id)}
              testId={`role-${r.id}`}
              title={r.title}
            >
              <p>{r.summary}</p>
            </Choice>
          ))}
        </div>
      </fieldset>
      <fieldset>
        <legend>{start.mode}</legend>
        <div class="choices">
          {(['practice', 'exam'] as const).map((m) => (
            <Choice
              key={m}
              name="mode"
              checked={m === mode}
              onChoose={() => setMode(m)}
              testId={`mode-${m}`}
              title={modes[m].name}
            >
              <p>{modes[m].body}</p>
            </Choice>
          ))}
        </div>
      </fieldset>
      {role && length && mode === 'practice' && (
        <Lengths role={role} chosen={length.questions} onChoose={setWanted} />
      )}
      {role && mode === 'practice' && props.mostFollowUps > 0 && (
        <fieldset>
          <legend>{start.followUps.legend}</legend>
          <div class="choices choices-one">
            <Choice
              type="checkbox"
              name="follow-ups"
              checked={followUps}
              onChoose={setFollowUps}
              testId="follow-ups"
              title={start.followUps.title}
            >
              <p>{start.followUps.body(props.mostFollowUps)}</p>
            </Choice>
          </div>
        </fieldset>
      )}
      {role && mode === 'practice' && <Tailor role={role.id} text={text} onText={setText} />}
      {length && (
        <section>
          <h2>{start.willHappen}</h2>
          <ol class="steps" data-testid="start-steps">
            {start.steps[mode](length.questions, length.minutes, props.takes).map((step) => (
              <li key={step}>{step}</li>
            ))}
          </ol>
        </section>
      )}
      {error !== null && <ErrorBox error={error} />}
      <button class="button button-primary" type="submit" disabled={busy || !role} data-testid="start-submit">
        {start.submit}
      </button>
    </form>
  );
}

function Lengths(props: { role: Role; chosen: number; onChoose: (questions: number) => void }) {
  return (
    <fieldset>
      <legend>{start.length}</legend>
      <p class="quiet choices-note">
        {start.bank(
          props.role.kinds.reduce((n, k) => n + k.questions, 0),
          props.role.kinds,
        )}
      </p>
      <div class="choices choices-short">
        {props.role.lengths.map(({ questions, minutes }) => {
          const words = start.lengthOf(questions, minutes);
          return (
            <Choice
              key={questions}
              name="length"
              checked={questions === props.chosen}
              onChoose={() => props.onChoose(questions)}
              testId={`length-${questions}`}
              title={words.questions}
            >
              <span class="quiet">{words.minutes}</span>
            </Choice>
          );
        })}
      </div>
    </fieldset>
  );
}

import { useState } from 'preact/hooks';
import { useLocation } from 'preact-iso';
import { api, firstPage, me, safeNext } from '../state';
import { app, join } from '../text';
import { ErrorBox } from '../ui/errors';
import { Field } from '../ui/field';
import { isoDay } from '../ui/format';
import { Page } from '../ui/page';
import { PasswordField } from '../ui/password-field';
import { passwordRules } from './password-rules';

/** Age first: nothing else is asked of somebody who may not have an account. */
export function JoinView() {
  const [birthDate, setBirthDate] = useState('');
  const [step, setStep] = useState<'age' | 'refused' | 'account'>('age');
  const [minimumAge, setMinimumAge] = useState(16);
  const answered = (allowed: boolean, age: number) => {
    setMinimumAge(age);
    if (!allowed) setBirthDate('');
    setStep(allowed ? 'account' : 'refused');
  };
  switch (step) {
    case 'age':
      return <AgeStep birthDate={birthDate} setBirthDate={setBirthDate} onAnswer={answered} />;
    case 'refused':
      return <Refused age={minimumAge} />;
    case 'account':
      return <AccountStep birthDate={birthDate} />;
    default:
      return null;
  }
}

function AgeStep(props: {
  birthDate: string;
  setBirthDate: (value: string) => void;
  onAnswer: (allowed: boolean, age: number) => void;
}) {
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const submit = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    setError(null);
    try {
      const answer = await api.checkAge(props.birthDate);
      props.onAnswer(answer.allowed, answer.minimum_age);
    } catch (cause) {
      setError(cause);
    } finally {
      setBusy(false);
    }
  };
  return (
    <Page title={join.ageTitle} lead={join.ageBody}>
      <form class="form" onSubmit={submit}>
        <Field
          label={join.birthDate}
          type="date"
          value={props.birthDate}
          onValue={props.setBirthDate}
          hint={join.birthDateHint}
          autoComplete="bday"
          min="1900-01-01"
          max={isoDay(new Date())}
          testId="join-birth-date"
        />
        {error !== null && <ErrorBox error={error} />}
        <button class="button button-primary" type="submit" disabled={busy} data-testid="join-continue">
          {join.continue}
        </button>
      </form>
      <p class="quiet">
        {join.haveAccount} <a href="/login">{app.logIn}</a>
      </p>
    </Page>
  );
}

function Refused(props: { age: number }) {
  return (
    <Page title={join.refusedTitle}>
      <p data-testid="join-refused">{join.refused(props.age)}</p>
      <p>
        <a class="button" href="/">
          {join.refusedNext}
        </a>
      </p>
    </Page>
  );
}

function AccountStep(props: { birthDate: string }) {
  const { route, query } = useLocation();
  const [name, setName] = useState('');
  const [email, setEmail] = useState('');
  const [password, setPassword] = useState('');
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const rules = passwordRules(password, email);
  const submit = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    setError(null);
    try {
      me.value = await api.join({
        birth_date: props.birthDate,
        email: email.trim(),
        display_name: name.trim(),
        password,
      });
      route(safeNext(query.next, firstPage(me.value)));
    } catch (cause) {
      setError(cause);
      setBusy(false);
    }
  };
  return (
    <Page title={join.title}>
      <form class="form" onSubmit={submit}>
        <Field
          label={join.name}
          value={name}
          onValue={setName}
          hint={join.nameHint}
          autoComplete="name"
          maxLength={80}
          testId="display-name"
        />
        <Field
          label={join.email}
          type="email"
          value={email}
          onValue={setEmail}
          autoComplete="username"
          maxLength={254}
          testId="email"
        />
        <PasswordField
          label={join.password}
          value={password}
          onValue={setPassword}
          hint={join.ruleHint}
          rules={rules}
          testId="password"
        />
        {error !== null && <ErrorBox error={error} />}
        <button
          class="button button-primary"
          type="submit"
          disabled={busy || rules.some((r) => !r.met)}
          data-testid="submit"
        >
          {join.submit}
        </button>
      </form>
    </Page>
  );
}

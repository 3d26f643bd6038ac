import { useState } from 'preact/hooks';
import { join } from '../text';
import type { Rule } from '../views/password-rules';
import { Field } from './field';

/** A new password: it can be looked at, and what it needs is shown as it is met. */
export function PasswordField(props: {
  label: string;
  value: string;
  onValue: (value: string) => void;
  hint: string;
  rules: Rule[];
  testId: string;
}) {
  const [visible, setVisible] = useState(false);
  return (
    <>
      <Field
        label={props.label}
        type={visible ? 'text' : 'password'}
        value={props.value}
        onValue={props.onValue}
        hint={props.hint}
        autoComplete="new-password"
        testId={props.testId}
      >
        <button type="button" class="button" aria-pressed={visible} onClick={() => setVisible(!visible)}>
          {visible ? join.hide : join.show}
        </button>
      </Field>
      <ul class="rules" aria-label={join.rules}>
        {props.rules.map((rule) => (
          <li key={rule.id} class={rule.met ? 'rule rule-met' : 'rule'}>
            {rule.words} <span class="rule-state">({rule.met ? join.met : join.notMet})</span>
          </li>
        ))}
      </ul>
    </>
  );
}

import type { ComponentChildren } from 'preact';
import { useId } from 'preact/hooks';

export interface FieldProps {
  label: string;
  value: string;
  onValue: (value: string) => void;
  type?: 'text' | 'email' | 'password' | 'date' | 'code';
  hint?: string | undefined;
  testId?: string;
  autoComplete?: string;
  required?: boolean;
  first?: boolean; // a dialog puts the focus here
  maxLength?: number;
  min?: string;
  max?: string;
  children?: ComponentChildren; // beside the input
}

export function Field(props: FieldProps) {
  const id = useId();
  const hintId = `${id}-hint`;
  return (
    <div class="field">
      <label for={id}>{props.label}</label>
      <div class="field-row">
        {input(props, id, props.hint ? hintId : undefined)}
        {props.children}
      </div>
      {props.hint && (
        <p class="hint" id={hintId}>
          {props.hint}
        </p>
      )}
    </div>
  );
}

function input(props: FieldProps, id: string, describedBy: string | undefined) {
  const shared = {
    id,
    value: props.value,
    onInput: (event: { currentTarget: HTMLInputElement }) => props.onValue(event.currentTarget.value),
    autocomplete: props.autoComplete ?? 'off',
    required: props.required ?? true,
    maxLength: props.maxLength,
    min: props.min,
    max: props.max,
    autofocus: props.first,
    'aria-describedby': describedBy,
    'data-testid': props.testId,
  };
  switch (props.type) {
    case 'email':
      return <input {...shared} type="email" />;
    case 'password':
      return <input {...shared} type="password" />;
    case 'code':
      return (
        <input
          {...shared}
          type="text"
          inputMode="numeric"
          autocomplete="one-time-code"
          class="code"
          maxLength={16}
        />
      );
    case 'date':
      return <input {...shared} type="date" />;
    default:
      return <input {...shared} type="text" />;
  }
}

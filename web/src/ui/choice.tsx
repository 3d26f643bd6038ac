import type { ComponentChildren } from 'preact';

export interface ChoiceProps {
  name: string;
  title: string;
  checked: boolean;
  onChoose: (checked: boolean) => void;
  type?: 'radio' | 'checkbox';
  disabled?: boolean;
  testId?: string;
  children?: ComponentChildren;
}

/** A card that is a radio button or a box: the whole card is its label. */
export function Choice(props: ChoiceProps) {
  return (
    <label class={props.checked ? 'choice choice-on' : 'choice'}>
      <input
        type={props.type ?? 'radio'}
        name={props.name}
        checked={props.checked}
        disabled={props.disabled}
        onChange={(event) => props.onChoose(event.currentTarget.checked)}
        data-testid={props.testId}
      />
      <span class="choice-body">
        <strong class="choice-title">{props.title}</strong>
        {props.children}
      </span>
    </label>
  );
}

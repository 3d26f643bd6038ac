import { useId, useRef, useState } from 'preact/hooks';
import { invitations as words } from '../text';

/** A text to take along: selected at a click, copied by a button that says whether it worked. */
export function CopyField(props: { label: string; value: string; testId: string }) {
  const id = useId();
  const input = useRef<HTMLInputElement>(null);
  const [said, setSaid] = useState('');
  const copy = async () => {
    setSaid('');
    try {
      await navigator.clipboard.writeText(props.value);
      setSaid(words.copied);
    } catch {
      // Without https or leave there is no clipboard: the person's own hands do it.
      input.current?.select();
      setSaid(words.copyFailed);
    }
  };
  return (
    <div class="field copy-field">
      <label for={id}>{props.label}</label>
      <div class="field-row">
        <input
          ref={input}
          id={id}
          type="text"
          readOnly
          value={props.value}
          onFocus={(event) => event.currentTarget.select()}
          data-testid={props.testId}
        />
        <button type="button" class="button" onClick={() => void copy()} data-testid={`${props.testId}-copy`}>
          {words.copy}
        </button>
      </div>
      <p class="hint" role="status">
        {said}
      </p>
    </div>
  );
}

import { privacy as words } from '../text';

/** The tests of the program that hold a sentence, for whoever wants to look them up. */
export function TestNames(props: { tests: readonly string[] }) {
  return (
    <details class="proof">
      <summary>{words.heldBy(props.tests.length)}</summary>
      <ul>
        {props.tests.map((name) => (
          <li key={name}>
            <code>{name}</code>
          </li>
        ))}
      </ul>
    </details>
  );
}

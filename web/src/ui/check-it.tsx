import { keysUrl } from '../api/endpoints';
import { checking as words } from '../text';

/** How anybody checks a signed file: the public keys to take along, and the command. */
export function CheckIt(props: { command: string }) {
  return (
    <>
      {words.before}{' '}
      <a href={keysUrl} download="keys.json" data-testid="keys-download">
        {words.keys}
      </a>
      {words.after}
      <code class="command">{props.command}</code>
    </>
  );
}

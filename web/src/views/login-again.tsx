import { useState } from 'preact/hooks';
import type { Account } from '../api/types';
import { api, settleLogIn } from '../state';
import { app, login } from '../text';
import { Dialog } from '../ui/dialog';
import { LoginForm } from '../ui/login-form';

/** Over whatever page lost its log-in: the page stays as it is, with everything typed. */
export function LogInAgain(props: { account: Account }) {
  const [other, setOther] = useState(false);
  const loggedIn = async (account: Account) => {
    if (account.id === props.account.id) {
      settleLogIn(account);
      return;
    }
    // Somebody else must not go on in this person's page.
    setOther(true);
    await api.logOut().catch(() => undefined);
  };
  return (
    <Dialog title={login.again} onClose={() => settleLogIn(null)}>
      <p>{login.againBody}</p>
      {other && (
        <p class="note note-needs" role="alert">
          {login.other}
        </p>
      )}
      <LoginForm email={props.account.email} onAccount={(account) => void loggedIn(account)} />
      <button type="button" class="button button-quiet" onClick={() => settleLogIn(null)}>
        {app.cancel}
      </button>
    </Dialog>
  );
}

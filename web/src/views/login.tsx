import { useLocation } from 'preact-iso';
import { firstPage, justClosed, me, safeNext } from '../state';
import { closing, login } from '../text';
import { date } from '../ui/format';
import { LoginForm } from '../ui/login-form';
import { Page } from '../ui/page';

export function LoginView() {
  const { route, query } = useLocation();
  return (
    <Page title={login.title}>
      {justClosed.value && (
        <p class="note" role="status" data-testid="just-closed">
          {closing.done(date(justClosed.value))}
        </p>
      )}
      {query.next && <p class="note">{login.first}</p>}
      <LoginForm
        onAccount={(account) => {
          me.value = account;
          justClosed.value = '';
          route(safeNext(query.next, firstPage(account)));
        }}
      />
      <p class="quiet">
        {login.noAccount} <a href="/join">{login.join}</a>
      </p>
    </Page>
  );
}

import { useLocation } from 'preact-iso';
import { firstPage, me, safeNext } from '../state';
import { login } from '../text';
import { LoginForm } from '../ui/login-form';
import { Page } from '../ui/page';

export function LoginView() {
  const { route, query } = useLocation();
  return (
    <Page title={login.title}>
      {query.next && <p class="note">{login.first}</p>}
      <LoginForm
        onAccount={(account) => {
          me.value = account;
          route(safeNext(query.next, firstPage(account)));
        }}
      />
      <p class="quiet">
        {login.noAccount} <a href="/join">{login.join}</a>
      </p>
    </Page>
  );
}

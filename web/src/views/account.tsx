import { me } from '../state';
import { account as words } from '../text';
import { Page } from '../ui/page';
import { LogIns } from './account-log-ins';
import { NameForm } from './account-name';
import { PasswordForm } from './account-password';

/** What somebody can do with their own account, whatever kind it is. */
export function AccountView() {
  return (
    <Page title={words.title} lead={words.lead(me.value?.email ?? '')}>
      <NameForm />
      <PasswordForm />
      <LogIns />
    </Page>
  );
}

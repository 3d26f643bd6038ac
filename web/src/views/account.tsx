import { useState } from 'preact/hooks';
import { me } from '../state';
import { factor, account as words } from '../text';
import { Page } from '../ui/page';
import { CloseAccount } from './account-close';
import { EmailForm } from './account-email';
import { SecondFactor } from './account-factor';
import { LogIns } from './account-log-ins';
import { NameForm } from './account-name';
import { PasswordForm } from './account-password';

/** What somebody can do with their own account. Where a second factor is needed, it comes first and alone. */
export function AccountView() {
  // A change of what somebody logs in with ends their other log-ins: the list is another from then on.
  const [changes, setChanges] = useState(0);
  const changed = () => setChanges((n) => n + 1);
  if (me.value?.second_factor === 'needed') {
    return (
      <Page title={factor.neededTitle} lead={factor.needed}>
        <SecondFactor />
      </Page>
    );
  }
  return (
    <Page title={words.title} lead={words.lead(me.value?.email ?? '')}>
      <NameForm />
      {me.value?.kind === 'candidate' && <EmailForm onChanged={changed} />}
      <PasswordForm onChanged={changed} />
      <SecondFactor onChanged={changed} />
      <LogIns key={`log-ins-${changes}`} />
      {me.value?.kind === 'candidate' && <CloseAccount />}
    </Page>
  );
}

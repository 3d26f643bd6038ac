import type { ComponentChildren } from 'preact';
import { useEffect } from 'preact/hooks';
import { LocationProvider, Route, Router, useLocation } from 'preact-iso';
import type { AccountKind } from './api/types';
import { DeviceDocument } from './device-document';
import { invitationPath } from './invitation-secret';
import { expiredAccount, firstPage, loadMe, me, meError, unconfirmedAccount } from './state';
import { wrongKind } from './text';
import { ErrorBox } from './ui/errors';
import { Skeleton } from './ui/load';
import { Page } from './ui/page';
import { Shell } from './ui/shell';
import { AccountView } from './views/account';
import { ClosedView } from './views/closed';
import { ConfirmDialog } from './views/confirm-dialog';
import { ConsentView } from './views/consent';
import { MyDataView } from './views/data';
import { DevicesView } from './views/devices';
import { HomeView } from './views/home';
import { JoinView } from './views/join';
import { LandingView } from './views/landing';
import { LoginView } from './views/login';
import { LogInAgain } from './views/login-again';
import { NotFoundView } from './views/not-found';
import { OpsView } from './views/ops';
import { OrgView } from './views/org';
import { InvitationView } from './views/org-invitation';
import { OrgReportView } from './views/org-report';
import { PrivacyView } from './views/privacy';
import { ReportView } from './views/report';
import { RoomView } from './views/room';
import { SharingView } from './views/sharing';
import { StartView } from './views/start';

export function App() {
  return (
    <LocationProvider>
      <Shell>{me.value?.closed_at ? <ClosedView account={me.value} /> : <Pages />}</Shell>
      {unconfirmedAccount.value && <ConfirmDialog account={unconfirmedAccount.value} />}
      {expiredAccount.value && <LogInAgain account={expiredAccount.value} />}
    </LocationProvider>
  );
}

function Pages() {
  return (
    <Router>
      <Route path="/" component={LandingView} />
      <Route path="/join" component={JoinView} />
      <Route path="/login" component={LoginView} />
      <Route path="/privacy" component={PrivacyView} />
      <Route path="/privacy/data" component={only('candidate', MyDataView)} />
      <Route path="/account" component={AccountPage} />
      <Route path="/home" component={only('candidate', HomeView)} />
      <Route path="/start" component={only('candidate', StartView)} />
      <Route path="/sessions/:id/consent" component={only('candidate', ConsentView)} />
      <Route path="/sessions/:id/devices" component={only('candidate', DevicesPage)} />
      <Route path="/sessions/:id/room" component={only('candidate', RoomPage)} />
      <Route path="/sessions/:id/report" component={only('candidate', ReportView)} />
      <Route path="/sessions/:id/sharing" component={only('candidate', SharingView)} />
      <Route path="/org" component={only('employer', OrgView)} />
      <Route path={invitationPath} component={only('employer', InvitationView)} />
      <Route path="/org/reports/:id" component={only('employer', OrgReportView)} />
      <Route path="/ops" component={only('ops', OpsView)} />
      <Route default component={NotFoundView} />
    </Router>
  );
}

const DevicesPage = ({ id }: SessionProps) => (
  <DeviceDocument>
    <DevicesView id={id} />
  </DeviceDocument>
);

const RoomPage = ({ id }: SessionProps) => (
  <DeviceDocument>
    <RoomView id={id} />
  </DeviceDocument>
);

const AccountPage = () => (
  <Guard>
    <AccountView />
  </Guard>
);

interface SessionProps {
  id: string;
}

type View = (props: SessionProps) => ComponentChildren;

const guarded = new Map<View, View>();

/** A view for one kind of account; anybody else logs in first and comes back. Memoized per view. */
function only(kind: AccountKind, Inner: View): View {
  let view = guarded.get(Inner);
  if (!view) {
    // The session's id is the key: another session is another page, with nothing left of the first.
    view = ({ id }) => <Guard kind={kind}>{<Inner key={id} id={id} />}</Guard>;
    guarded.set(Inner, view);
  }
  return view;
}

/** Without a kind: for everybody who is logged in. */
function Guard(props: { kind?: AccountKind; children: ComponentChildren }) {
  const account = me.value;
  if (account === undefined) return <WaitingForMe />;
  if (account === null) return <ToLogin />;
  if (props.kind && account.second_factor === 'needed') return <AccountView />;
  if (props.kind && account.kind !== props.kind) {
    return (
      <Page title={wrongKind.title}>
        <p>{wrongKind.body(account.email)}</p>
        <p>
          <a class="button button-primary" href={firstPage(account)}>
            {wrongKind.next}
          </a>
        </p>
      </Page>
    );
  }
  return <>{props.children}</>;
}

function WaitingForMe() {
  return (
    <main id="content" class="page">
      {meError.value ? (
        <ErrorBox error={meError.value} retry={() => void loadMe()} />
      ) : (
        <Skeleton lines={4} />
      )}
    </main>
  );
}

function ToLogin() {
  const { url, route } = useLocation();
  useEffect(() => route(`/login?next=${encodeURIComponent(url)}`, true), []);
  return null;
}

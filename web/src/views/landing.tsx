import { firstPage, me } from '../state';
import { app, landing } from '../text';
import { Page } from '../ui/page';

export function LandingView() {
  const account = me.value;
  return (
    <Page title={landing.title} lead={landing.what}>
      <p class="actions">
        {account ? (
          <a class="button button-primary" href={firstPage(account)} data-testid="continue">
            {landing.continueFor[account.kind]}
          </a>
        ) : (
          <>
            <a class="button button-primary" href="/join" data-testid="start">
              {landing.start}
            </a>
            <a class="button" href="/login" data-testid="log-in">
              {landing.logIn}
            </a>
          </>
        )}
      </p>
      <dl class="facts">
        {landing.facts.map((fact) => (
          <div key={fact.title} class="fact">
            <dt>{fact.title}</dt>
            <dd>{fact.body}</dd>
          </div>
        ))}
      </dl>
      <p class="quiet">
        <a href="/privacy">{app.privacy}</a>
      </p>
    </Page>
  );
}

import { Page } from '../ui/page';

/** A page of the organization's that has nothing to show but a sentence, and the way back to its list. */
export function OrgMessage(props: { title: string; text: string; back: string; id: string }) {
  return (
    <Page title={props.title}>
      <p data-testid={props.id}>{props.text}</p>
      <p>
        <a class="button button-primary" href="/org">
          {props.back}
        </a>
      </p>
    </Page>
  );
}

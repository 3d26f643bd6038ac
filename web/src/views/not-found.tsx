import { firstPage, me } from '../state';
import { notFound } from '../text';
import { Page } from '../ui/page';

export function NotFoundView() {
  return (
    <Page title={notFound.title}>
      <p>{notFound.body}</p>
      <p>
        <a class="button button-primary" href={firstPage(me.value)}>
          {notFound.home}
        </a>
      </p>
    </Page>
  );
}

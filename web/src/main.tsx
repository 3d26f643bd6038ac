import { render } from 'preact';
import { App } from './app';
import { takeInvitation } from './invitation-secret';
import { loadMe, online } from './state';
import './styles.css';
import './rights.css';
import { showTheme } from './ui/theme';

takeInvitation();
// A link that is opened in a page which is open already loads nothing by itself.
addEventListener('hashchange', () => takeInvitation() && location.reload());
showTheme();
addEventListener('online', () => {
  online.value = true;
});
addEventListener('offline', () => {
  online.value = false;
});
void loadMe();

const root = document.getElementById('page');
if (root) render(<App />, root);

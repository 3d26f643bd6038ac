import { render } from 'preact';
import { App } from './app';
import { loadMe, online } from './state';
import './styles.css';
import './rights.css';
import { showTheme } from './ui/theme';

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

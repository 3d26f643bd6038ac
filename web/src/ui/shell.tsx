import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { useLocation } from 'preact-iso';
import { ApiError } from '../api/client';
import { api, firstPage, me, online } from '../state';
import { app } from '../text';
import { wordsOf } from './errors';
import type { Theme } from './theme';
import { setTheme, theme } from './theme';

/** Header and banner around every view; the room gets a bare one. */
export function Shell(props: { children: ComponentChildren }) {
  const { path } = useLocation();
  const inRoom = path.endsWith('/room');
  return (
    <>
      <a class="skip-link" href="#content">
        {app.skip}
      </a>
      <header class={inRoom ? 'top top-room' : 'top'}>
        <a class="brand" href={firstPage(me.value)}>
          <span class="brand-mark" aria-hidden="true" />
          {app.name}
        </a>
        {!inRoom && <Navigation path={path} />}
        <div class="top-end">
          <ThemeSwitch />
          {!inRoom && <Account path={path} />}
        </div>
      </header>
      {!online.value && (
        <p class="note note-needs banner" role="status">
          {inRoom ? app.offlineRoom : app.offline}
        </p>
      )}
      {props.children}
    </>
  );
}

function Navigation(props: { path: string }) {
  const kind = me.value?.closed_at ? undefined : me.value?.kind; // a closed account has no pages
  const links: [string, string][] = [];
  if (kind === 'candidate') links.push(['/home', app.home], ['/privacy', app.privacy]);
  if (kind === 'employer') links.push(['/org', app.shared]);
  if (kind === 'ops') links.push(['/ops', app.ops]);
  if (links.length === 0) return null;
  return (
    <nav aria-label={app.nav}>
      {links.map(([href, words]) => (
        <a key={href} href={href} aria-current={props.path === href ? 'page' : undefined}>
          {words}
        </a>
      ))}
    </nav>
  );
}

function Account(props: { path: string }) {
  const { route } = useLocation();
  const [error, setError] = useState<unknown>(null);
  if (!me.value) return null;
  const logOut = async () => {
    setError(null);
    try {
      await api.logOut();
    } catch (cause) {
      // Only say "logged out" when it is true.
      if (!(cause instanceof ApiError && cause.status === 401)) return setError(cause);
    }
    me.value = null;
    route('/');
  };
  return (
    <>
      {error !== null && <span role="alert">{wordsOf(error).detail}</span>}
      {!me.value.closed_at && (
        <a
          class="button button-quiet"
          href="/account"
          aria-current={props.path === '/account' ? 'page' : undefined}
          data-testid="account"
        >
          {app.account}
        </a>
      )}
      <button type="button" class="button button-quiet" onClick={logOut} data-testid="log-out">
        {app.logOut}
      </button>
    </>
  );
}

function ThemeSwitch() {
  return (
    <label class="theme">
      <span class="visually-hidden">{app.theme.label}</span>
      <select
        value={theme.value}
        onChange={(event) => setTheme(event.currentTarget.value as Theme)}
        data-testid="theme"
      >
        <option value="auto">{app.theme.auto}</option>
        <option value="light">{app.theme.light}</option>
        <option value="dark">{app.theme.dark}</option>
      </select>
    </label>
  );
}

// A real Chromium with fake devices. Every page fails its test when the content security policy is
// broken or a script throws.
import { chromium } from "playwright-core";
import { unusedCode } from "./codes.mjs";

const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";

/** wav: what the microphone hears, played once; without one the microphone beeps. */
export async function openBrowser({ wav, args = [] } = {}) {
  return chromium.launch({
    executablePath,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      "--autoplay-policy=no-user-gesture-required",
      "--use-fake-ui-for-media-stream",
      "--use-fake-device-for-media-stream",
      ...(wav ? [`--use-file-for-fake-audio-capture=${wav}%noloop`] : []),
      ...args,
    ],
  });
}

/** A page in a context of its own (own cookies), with what went wrong in it. */
export async function openPage(browser, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, ...options });
  const page = await context.newPage();
  const wrong = [];
  page.on("pageerror", (error) => wrong.push(`script error: ${error.message}`));
  page.on("console", (message) => {
    const text = message.text();
    if (message.type() === "error" && /Content Security Policy|Trusted/i.test(text)) wrong.push(text);
  });
  page.setDefaultTimeout(20_000);
  return { page, context, wrong };
}

export const byId = (page, id) => page.locator(`[data-testid="${id}"]`);

export async function logIn(page, address, account) {
  await page.goto(`${address}/login`);
  await fillLogIn(page, account);
}

/** Logs in on the page that asks for it, which goes on from there by itself. */
export async function fillLogIn(page, account) {
  await byId(page, "email").fill(account.email);
  await byId(page, "password").fill(account.password);
  await byId(page, "submit").click();
  if (account.second_factor) {
    await byId(page, "code").fill(await unusedCode(account.second_factor));
    await byId(page, "submit").click();
  }
  await page.waitForURL((url) => !url.pathname.startsWith("/login"));
}

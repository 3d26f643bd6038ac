// Passwords, second factors and log-ins, as people of each kind meet them.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import * as path from "node:path";
import { after, before, test } from "node:test";
import { byId, logIn, openBrowser, openPage } from "./support/browser.mjs";
import { unusedCode } from "./support/codes.mjs";
import { startServer } from "./support/server.mjs";

const shots = process.env.GREENROOM_SHOTS;
const program = path.resolve(import.meta.dirname, "../../.greenroom/bin/greenroom");
let server;
let browser;

before(async () => {
  server = await startServer();
  browser = await openBrowser();
});

after(async () => {
  await browser?.close();
  assert.equal(await server?.stop(), 0);
  server?.remove();
});

const admin = (...args) => execFileSync(program, ["admin", ...args, "--data-dir", server.dataDir], { encoding: "utf8" });

/** Pictures of a page for the eye, at two widths and in both colour schemes. */
async function look(page, name) {
  if (!shots) return;
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme });
    for (const width of [1440, 390]) {
      await page.setViewportSize({ width, height: 900 });
      await page.screenshot({ path: path.join(shots, `${name}-${width}-${colorScheme}.png`), fullPage: true });
    }
  }
  await page.setViewportSize({ width: 1440, height: 900 });
}

async function fits(page, name) {
  const size = page.viewportSize();
  await page.setViewportSize({ width: 390, height: 844 });
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  assert.ok(wide <= 0, `${name} scrolls sideways by ${wide} px at phone width`);
  await page.setViewportSize(size);
}

test("an employer sets a second factor up, by keyboard, before anything opens", { timeout: 120_000 }, async () => {
  const { page, wrong } = await openPage(browser);
  const email = "new.employer@example.org";
  const [, password] = admin("account", "--kind", "employer", "--organization", "Example Ltd", email).match(/password (\S+)/);
  await logIn(page, server.address, { email, password });
  await page.goto(`${server.address}/org`);
  await byId(page, "factor-needed").waitFor();
  assert.equal(await byId(page, "org-empty").count(), 0);
  assert.equal((await page.request.get(`${server.address}/api/v1/shared`)).status(), 403);
  await look(page, "factor-needed");
  await byId(page, "factor-begin").focus();
  await page.keyboard.press("Enter");
  const secret = (await byId(page, "factor-secret").textContent()).replaceAll(" ", "");
  await page.getByRole("img", { name: "QR code" }).waitFor();
  await look(page, "factor-set-up");
  await fits(page, "the set-up");
  await byId(page, "factor-code").focus();
  await page.keyboard.type("000000");
  await page.keyboard.press("Enter");
  await byId(page, "error").waitFor();
  await byId(page, "factor-code").fill(await unusedCode(secret));
  await page.keyboard.press("Enter");
  await byId(page, "org-empty").waitFor();
  await byId(page, "log-out").click();
  await page.waitForURL(`${server.address}/`);
  await page.goto(`${server.address}/login`);
  await byId(page, "email").fill(email);
  await byId(page, "password").fill(password);
  await byId(page, "submit").click();
  await byId(page, "code").waitFor();
  await look(page, "login-code");
  await byId(page, "code").fill(await unusedCode(secret));
  await byId(page, "submit").click();
  await byId(page, "org-empty").waitFor();
  assert.deepEqual(wrong, []);
});

test("the account page changes name and password, and ends log-ins elsewhere", { timeout: 120_000 }, async () => {
  const { page, wrong } = await openPage(browser);
  const other = await openPage(browser);
  const account = { ...server.accounts.candidate };
  await logIn(page, server.address, account);
  await logIn(other.page, server.address, account);
  await page.goto(`${server.address}/account`);
  await byId(page, "log-in").waitFor();
  await look(page, "account");
  await fits(page, "the account page");

  await byId(page, "account-name").fill("Ada Lovelace");
  await byId(page, "account-rename").click();
  await page.getByText("Saved").waitFor();

  await byId(page, "log-in-end").click();
  await byId(page, "log-in").waitFor({ state: "detached" });
  assert.equal((await other.page.request.get(`${server.address}/api/v1/me`)).status(), 401);

  const next = "unhappy giraffes paint walls";
  await byId(page, "change-password").fill("not the right one at all");
  await byId(page, "password-next").fill(next);
  await byId(page, "password-submit").click();
  await byId(page, "error").waitFor();
  await byId(page, "change-password").fill(account.password);
  await byId(page, "password-submit").click();
  await byId(page, "password-changed").waitFor();
  server.accounts.candidate.password = next;

  await byId(page, "log-out-everywhere").click();
  await page.waitForURL(`${server.address}/`);
  assert.equal((await page.request.get(`${server.address}/api/v1/me`)).status(), 401);
  await logIn(page, server.address, server.accounts.candidate);
  await page.getByText("Ada Lovelace").waitFor();
  assert.deepEqual(wrong, []);
});

test("sharing asks for a proof when the last one is old, and goes on by itself", { timeout: 120_000 }, async () => {
  const { page, wrong } = await openPage(browser);
  await logIn(page, server.address, server.accounts.candidate);
  const cookie = (await page.context().cookies()).find((c) => c.name === "__Host-sid");
  const api = (path, data) => page.request.post(`${server.address}/api/v1/${path}`, { headers: { Origin: server.address }, data });
  const session = await (await api("sessions", { role: "software-engineer", mode: "practice" })).json();
  const notice = await (await page.request.get(`${server.address}/api/v1/sessions/${session.id}/notice`)).json();
  await api(`sessions/${session.id}/consents`, { notice_sha256: notice.sha256, recording: false, transcription: false, assessment: false });
  await page.goto(`${server.address}/sessions/${session.id}/sharing`);
  await byId(page, "share-org").selectOption({ index: 1 });
  await byId(page, "share-scope-ratings").check();
  // Five minutes are too long for a test: the server answers once as it would then.
  let old = true;
  await page.route("**/authorizations", async (route) => {
    if (!old || route.request().method() !== "POST") return route.continue();
    old = false;
    await route.fulfill({
      status: 403,
      contentType: "application/problem+json",
      body: JSON.stringify({ type: "urn:greenroom:confirm", status: 403, detail: "This needs a fresh proof that it is you." }),
    });
  });
  await byId(page, "share-submit").click();
  await byId(page, "confirm-password").waitFor();
  await look(page, "confirm");
  await fits(page, "the dialog");
  await page.keyboard.type("not the right one at all"); // the field has the focus
  await page.keyboard.press("Enter");
  await byId(page, "error").waitFor();
  await byId(page, "confirm-password").fill(server.accounts.candidate.password);
  await page.keyboard.press("Enter");
  await byId(page, "share-withdraw").waitFor();
  assert.equal(await byId(page, "confirm-password").count(), 0);
  assert.ok(cookie.secure && cookie.httpOnly && cookie.sameSite === "Lax", JSON.stringify(cookie));
  assert.deepEqual(wrong, []);
});

test("a closed account shows when it is erased and how to undo it, and nothing else", { timeout: 120_000 }, async () => {
  const { page, wrong } = await openPage(browser);
  await logIn(page, server.address, server.accounts.candidate);
  await page.goto(`${server.address}/account`);
  await byId(page, "close-account").click();
  await byId(page, "close-confirm").waitFor();
  assert.equal(await page.evaluate(() => document.activeElement.dataset.testid), "close-keep", "the focus lies on what ends everything");
  await look(page, "close-account");
  await fits(page, "the question before closing");
  await page.keyboard.press("Enter"); // keep it
  await byId(page, "close-confirm").waitFor({ state: "detached" });
  await byId(page, "close-account").click();
  await byId(page, "close-confirm").click();
  await byId(page, "just-closed").waitFor();
  assert.equal((await page.request.get(`${server.address}/api/v1/me`)).status(), 401);
  await look(page, "just-closed");

  await logIn(page, server.address, server.accounts.candidate);
  for (const path of ["/home", "/privacy", "/account", "/start"]) {
    await page.goto(server.address + path);
    await byId(page, "closed").waitFor();
    assert.equal(await page.locator("nav").count(), 0, `${path} leads on to other pages`);
  }
  const refused = await page.request.get(`${server.address}/api/v1/sessions`);
  assert.deepEqual([refused.status(), (await refused.json()).type], [403, "urn:greenroom:closed"]);
  await look(page, "closed");
  await fits(page, "a closed account");
  await byId(page, "reopen").focus();
  await page.keyboard.press("Enter");
  await byId(page, "session").first().waitFor(); // the interview of the test before is here again
  assert.equal((await page.request.get(`${server.address}/api/v1/sessions`)).status(), 200);
  assert.deepEqual(wrong, []);
});

// Consent and rights as people see them: what a candidate erases is gone for both sides, with a certificate.
import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import { after, before, test } from "node:test";
import { byId, fillLogIn, logIn, openBrowser, openPage } from "./support/browser.mjs";
import { rehearse, run } from "./support/rehearsal.mjs";
import { startServer } from "./support/server.mjs";

const shots = process.env.GREENROOM_SHOTS;
let server;
let browser;
let session; // an interview with sound, picture and words, of the demo candidate

before(async () => {
  server = await startServer();
  browser = await openBrowser();
  session = await rehearse(server);
});

after(async () => {
  await browser?.close();
  const code = await server?.stop();
  assert.equal(code, 0, `the server stopped with ${code}:\n${server?.banner()}`);
  server?.remove();
});

/** Pictures of a page for the eye, at two widths. */
async function look(page, name) {
  if (!shots) return;
  const size = page.viewportSize();
  for (const width of [1440, 390]) {
    await page.setViewportSize({ width, height: 900 });
    await page.screenshot({ path: path.join(shots, `${name}-${width}.png`), fullPage: true });
  }
  await page.setViewportSize(size);
}

async function fits(page, name) {
  const size = page.viewportSize();
  await page.setViewportSize({ width: 390, height: 844 });
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  assert.ok(wide <= 0, `${name} scrolls sideways by ${wide} px at phone width`);
  await page.setViewportSize(size);
}

const focused = (page) => page.evaluate(() => document.activeElement.textContent);

test("who is invited is confirmed, watches, and is cut off with the time shown", { timeout: 180_000 }, async (t) => {
  const candidate = await openPage(browser);
  const employer = await openPage(browser);
  await logIn(candidate.page, server.address, server.accounts.candidate);
  const link = await invite(candidate.page);
  await redeem(employer.page, link);

  // The candidate's page hears of the request by itself, and says who asks.
  await byId(candidate.page, "request").waitFor();
  assert.match(await byId(candidate.page, "request").textContent(), /^Demo employer of Demo organization opened/);
  await look(candidate.page, "request");
  await fits(candidate.page, "a request");
  const home = await candidate.context.newPage();
  await home.goto(`${server.address}/home`);
  await byId(home, "hint-request").waitFor();
  await look(home, "home-hint");
  await home.close();
  assert.equal(await byId(candidate.page, "invitation-made").count(), 0, "a used link is still shown");
  await byId(candidate.page, "request-confirm").focus();
  await candidate.page.keyboard.press("Enter");
  await byId(candidate.page, "share-withdraw").waitFor();

  await watch(employer.page);
  await byId(candidate.page, "viewer").nth(1).waitFor(); // the report page, and the recording
  await look(candidate.page, "viewers");
  await byId(employer.page, "receipt").first().waitFor();
  await look(employer.page, "org-report");
  await fits(candidate.page, "the viewers");

  await watch(employer.page); // again: what was being fetched may have arrived while all that was looked at
  await byId(candidate.page, "share-withdraw").click();
  await byId(employer.page, "access-ended").waitFor({ timeout: 5_000 });
  const lines = byId(byId(candidate.page, "cut-offs"), "cut-off");
  await lines.nth(1).waitFor();
  const cut = await lines.allTextContents();
  t.diagnostic(cut.join("; "));
  for (const line of cut) {
    const [, ms] = line.match(/ stopped after (\d+) ms$/) ?? [];
    // The second is held by a test of its own over many trials; a single one may be slower on a busy machine.
    assert.ok(Number(ms) <= 1_000, `"${line}" is no time within a second`);
  }
  await candidate.page.locator('[data-testid="viewer"]').waitFor({ state: "detached" });
  assert.equal(await focused(candidate.page), "Shared now", "the focus was lost with the record");
  await look(candidate.page, "cut-off");
  await fits(candidate.page, "the sharing page");
  assert.match(await receipt(candidate.page, "candidate"), /^Taken back from Demo organization/);
  await look(employer.page, "cut-off-employer");
  await employer.page.goto(`${server.address}/org`);
  assert.match(await receipt(employer.page, "organization"), /^It ended/);
  await look(employer.page, "org-receipts");
  await fits(employer.page, "the receipts of an organization");
  assert.deepEqual([...candidate.wrong, ...employer.wrong], []);
});

/** Downloads the newest receipt of a page with the public keys, checks it as anybody can, and returns its words. */
async function receipt(page, whose) {
  const keep = async (id) => {
    const [download] = await Promise.all([page.waitForEvent("download"), byId(page, id).first().click()]);
    return download.path();
  };
  await byId(page, "receipt").first().waitFor();
  const { out, code } = await run(["verify", await keep("receipt-download"), "--keys", await keep("keys-download")]);
  assert.equal(code, 0, `the receipt of the ${whose} does not hold:\n${out}`);
  assert.match(out, /holds:/);
  return byId(page, "receipt").first().textContent();
}

/** Makes an invitation and returns its link. */
async function invite(page) {
  await page.goto(`${server.address}/sessions/${session}/sharing`);
  await byId(page, "share-withdraw").click(); // what the rehearsal shared
  await byId(page, "share-live").waitFor({ state: "detached" });
  await byId(page, "share-way-link").check();
  for (const scope of ["feedback", "transcript", "recording.audio", "recording.video"]) await byId(page, `share-scope-${scope}`).check();
  await look(page, "invite");
  await byId(page, "share-submit").click();
  await byId(page, "invitation-made").waitFor();
  await look(page, "invitation-made");
  await fits(page, "the link of an invitation");
  return byId(page, "invitation-link").inputValue();
}

/** Opens the link before the log-in, which brings one back to it, and asks. */
async function redeem(page, link) {
  await page.goto(link);
  await page.waitForURL("**/login**");
  assert.equal(page.url().includes("#"), false, "the secret is still in the address");
  await fillLogIn(page, server.accounts.employer);
  await byId(page, "invitation-told").waitFor();
  await look(page, "invitation");
  await fits(page, "an invitation");
  await byId(page, "invitation-ask").click();
  await byId(page, "invitation-asked").waitFor();
  assert.equal((await page.request.get(`${server.address}/api/v1/shared/${session}/report`)).status(), 404);
  await page.goto(`${server.address}/org`);
  await byId(page, "org-request").waitFor();
  assert.equal(await byId(page, "shared-session").count(), 0, "the interview shows before it was confirmed");
  await look(page, "org-requests");
  await fits(page, "the requests of an organization");
}

/** Opens the shared report and plays its recording, over a line so slow that it is not fetched whole before it is cut off. */
async function watch(page) {
  await page.goto(`${server.address}/org`);
  const line = await page.context().newCDPSession(page);
  await line.send("Network.enable");
  await line.send("Network.emulateNetworkConditions", { offline: false, latency: 0, downloadThroughput: 12_000, uploadThroughput: -1 });
  await byId(page, "shared-session").click();
  await byId(page, "grant-banner").waitFor();
  await page.waitForFunction(() => document.querySelector('[data-testid="report-video"]')?.readyState >= 2);
  await byId(page, "report-video").evaluate((v) => v.play());
}

test("an interview is kept to oneself, and AI objected to, from the privacy page", { timeout: 120_000 }, async () => {
  const { page, wrong } = await openPage(browser);
  const api = async (path) => (await page.request.get(`${server.address}/api/v1/${path}`)).json();
  await logIn(page, server.address, server.accounts.candidate);
  await page.goto(`${server.address}/privacy`);
  await byId(page, "own-restrict").click();
  await byId(page, "own-lift").waitFor();
  assert.ok((await api(`sessions/${session}`)).restricted_at);
  await byId(page, "objection-set").click();
  await byId(page, "objection-lift").waitFor();
  assert.equal((await api("me/ai-objection")).objected, true);
  await look(page, "privacy");
  await fits(page, "the privacy page");
  await byId(page, "own-lift").click();
  await byId(page, "own-restrict").waitFor();
  assert.equal((await api(`sessions/${session}`)).restricted_at, undefined);
  await byId(page, "objection-lift").click();
  await byId(page, "objection-set").waitFor();
  assert.equal((await api("me/ai-objection")).objected, false);
  assert.deepEqual(wrong, []);
});

test("what a candidate erases is gone for both sides, with a certificate", { timeout: 240_000 }, async () => {
  const candidate = await openPage(browser);
  const employer = await openPage(browser);
  await logIn(candidate.page, server.address, server.accounts.candidate);
  await logIn(employer.page, server.address, server.accounts.employer);
  await share(candidate.page);
  await employer.page.goto(`${server.address}/org`);
  await byId(employer.page, "shared-session").first().click();
  await byId(employer.page, "grant-banner").waitFor();

  await candidate.page.goto(`${server.address}/privacy`);
  await byId(candidate.page, "erase").first().click();
  await byId(candidate.page, "erase-confirm").waitFor();
  assert.equal(await candidate.page.evaluate(() => document.activeElement.dataset.testid), "erase-keep", "the focus lies on what cannot be undone");
  await look(candidate.page, "erase-dialog");
  await byId(candidate.page, "erase-confirm").click();
  await byId(employer.page, "access-ended").waitFor({ timeout: 5_000 });
  await byId(candidate.page, "erasure-done").waitFor({ timeout: 60_000 });
  await look(candidate.page, "erased");
  assert.equal(await byId(candidate.page, "own-session").count(), 0);

  const [download] = await Promise.all([candidate.page.waitForEvent("download"), byId(candidate.page, "erasure-certificate").click()]);
  const certificate = JSON.parse(fs.readFileSync(await download.path(), "utf8"));
  const said = JSON.parse(Buffer.from(certificate.certificate.split(".")[1], "base64url").toString());
  assert.equal(said.session, session);
  assert.ok(said.objects > 0, `the certificate counts ${said.objects} objects`);
  await byId(candidate.page, "erased-receipts").click();
  await byId(candidate.page, "receipt").filter({ hasText: "Shared with Demo organization" }).first().waitFor();
  await receipt(candidate.page, "candidate, after the erasure");
  await look(candidate.page, "erased-receipts");

  assert.equal((await candidate.page.request.get(`${server.address}/api/v1/sessions/${session}`)).status(), 404);
  assert.equal((await employer.page.request.get(`${server.address}/api/v1/shared/${session}/report`)).status(), 404);
  assert.deepEqual([...candidate.wrong, ...employer.wrong], []);
});

/** Shares the feedback and the transcript with the only organization there is. */
async function share(page) {
  await page.goto(`${server.address}/sessions/${session}/sharing`);
  await byId(page, "share-org").selectOption({ index: 1 });
  for (const scope of ["feedback", "transcript"]) await byId(page, `share-scope-${scope}`).check();
  await byId(page, "share-submit").click();
  await byId(page, "share-withdraw").waitFor();
}

// Consent and rights as people see them: what a candidate erases is gone for both sides, with a certificate.
import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import { after, before, test } from "node:test";
import { byId, logIn, openBrowser, openPage } from "./support/browser.mjs";
import { rehearse } from "./support/rehearsal.mjs";
import { startServer } from "./support/server.mjs";

const shots = process.env.GREENROOM_SHOTS;
let server;
let browser;

before(async () => {
  server = await startServer();
  browser = await openBrowser();
});

after(async () => {
  await browser?.close();
  const code = await server?.stop();
  assert.equal(code, 0, `the server stopped with ${code}:\n${server?.banner()}`);
  server?.remove();
});

const look = (page, name) => shots && page.screenshot({ path: path.join(shots, `${name}.png`), fullPage: true });

test("what a candidate erases is gone for both sides, with a certificate", { timeout: 240_000 }, async () => {
  const session = await rehearse(server);
  const candidate = await openPage(browser);
  const employer = await openPage(browser);
  await logIn(candidate.page, server.address, server.accounts.candidate);
  await logIn(employer.page, server.address, server.accounts.employer);
  await share(candidate.page, session);
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

  assert.equal((await candidate.page.request.get(`${server.address}/api/v1/sessions/${session}`)).status(), 404);
  assert.equal((await employer.page.request.get(`${server.address}/api/v1/shared/${session}/report`)).status(), 404);
  assert.deepEqual([...candidate.wrong, ...employer.wrong], []);
});

/** Shares the feedback and the transcript with the only organization there is. */
async function share(page, session) {
  await page.goto(`${server.address}/sessions/${session}/sharing`);
  await byId(page, "share-org").selectOption({ index: 1 });
  for (const scope of ["feedback", "transcript"]) await byId(page, `share-scope-${scope}`).check();
  await byId(page, "share-submit").click();
  await byId(page, "share-withdraw").waitFor();
}

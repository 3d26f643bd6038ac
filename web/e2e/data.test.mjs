// What is held about a person: looked at, corrected and taken along, by keyboard and at phone width.
import assert from "node:assert/strict";
import * as fs from "node:fs";
import { after, before, test } from "node:test";
import { byId, logIn, openBrowser, openPage } from "./support/browser.mjs";
import { startServer } from "./support/server.mjs";

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

test("a copy is asked for, made and downloaded without the mouse", { timeout: 180_000 }, async () => {
  const { page, wrong } = await openPage(browser, { viewport: { width: 390, height: 844 } });
  await logIn(page, server.address, server.accounts.candidate);
  await page.goto(`${server.address}/privacy`);
  await byId(page, "to-data").focus();
  await page.keyboard.press("Enter");
  await byId(page, "held").waitFor();
  assert.equal(await byId(page, "exports").count(), 0, "there is a copy before one was asked for");
  await byId(page, "export-ask").focus();
  await page.keyboard.press("Enter");
  await page.locator('[data-testid="export"][data-state="ready"]').waitFor();
  await byId(page, "export-download").focus();
  const [download] = await Promise.all([page.waitForEvent("download"), page.keyboard.press("Enter")]);
  assert.match(download.suggestedFilename(), /^greenroom-\d{4}-\d\d-\d\d\.zip$/);
  const file = fs.readFileSync(await download.path());
  assert.equal(file.subarray(0, 4).toString("latin1"), "PK\x03\x04");
  assert.ok(file.includes("manifest.jws"), "the copy is not signed");
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  assert.ok(wide <= 0, `the page scrolls sideways by ${wide} px at phone width`);
  assert.deepEqual(wrong, []);
});

test("name and address are corrected, and the old address logs nobody in", { timeout: 60_000 }, async () => {
  const { page, wrong } = await openPage(browser);
  await logIn(page, server.address, server.accounts.candidate);
  await page.goto(`${server.address}/privacy/data`);
  await byId(page, "account-name").fill("Corrected Name");
  await byId(page, "account-rename").click();
  await byId(page, "account-email").fill("corrected@demo.test");
  const answered = page.waitForResponse((answer) => answer.request().method() !== "GET" && answer.request().postData()?.includes("corrected@demo.test"));
  await byId(page, "account-change-email").click();
  assert.ok((await answered).ok());
  await page.waitForFunction(() => document.querySelector('[data-testid="account-change-email"]').disabled);
  const me = await (await page.request.get(`${server.address}/api/v1/me`)).json();
  assert.deepEqual([me.display_name, me.email], ["Corrected Name", "corrected@demo.test"]);
  const logInWith = (email) =>
    page.request.post(`${server.address}/api/v1/log-in`, {
      headers: { Origin: server.address },
      data: { email, password: server.accounts.candidate.password },
    });
  assert.equal((await logInWith(server.accounts.candidate.email)).ok(), false, "the old address still logs in");
  assert.equal((await logInWith("corrected@demo.test")).status(), 200);
  assert.deepEqual(wrong, []);
});

test("the page is for candidates only", async () => {
  const { page } = await openPage(browser);
  await logIn(page, server.address, server.accounts.employer);
  await page.goto(`${server.address}/privacy/data`);
  await page.getByRole("heading", { level: 1 }).waitFor();
  assert.equal(await byId(page, "held").count() + (await byId(page, "export-ask").count()), 0);
  for (const path of ["me/data", "me/accesses", "me/ai-calls", "exports", "exports/aaaaaaaaaaaaaaaaaaaaaaaaaa", "exports/aaaaaaaaaaaaaaaaaaaaaaaaaa/download"]) {
    assert.equal((await page.request.get(`${server.address}/api/v1/${path}`)).status(), 404, path);
  }
});

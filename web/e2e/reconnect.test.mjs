// A page that is reloaded in the middle of an answer comes back into the same session, and the stretch
// that is missing is named.
import assert from "node:assert/strict";
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

test("devices are shown working, and a reload goes on in the same session", { timeout: 120_000 }, async (t) => {
  const { page, wrong } = await openPage(browser);
  await logIn(page, server.address, server.accounts.candidate);
  await page.goto(`${server.address}/start`);
  await byId(page, "role-software-engineer").check();
  await byId(page, "start-submit").click();
  await page.waitForURL("**/consent");
  await byId(page, "consent-recording").check();
  await byId(page, "consent-continue").click();
  await page.waitForURL("**/devices");
  await meterMoves(page);
  await byId(page, "devices-ready").click();
  await page.waitForURL("**/room");
  const session = new URL(page.url()).pathname.split("/")[2];
  await byId(page, "room-begin").click();
  await byId(page, "room-start-answer").click();
  await elapsed(page, 4);
  await page.reload();
  await byId(page, "room-done").waitFor();
  await byId(page, "gap").first().waitFor();
  await elapsed(page, 10);
  await byId(page, "room-done").click();
  await byId(page, "room-finish").click();
  await byId(page, "room-finish-confirm").click();
  await byId(page, "room-to-report").waitFor();
  const report = await (await page.request.get(`${server.address}/api/v1/sessions/${session}/report`)).json();
  t.diagnostic(`gaps: ${JSON.stringify(report.gaps)}`);
  assert.ok(report.gaps.some((gap) => gap.kind === "audio" && gap.reason === "reconnect"), "the missing stretch is not named");
  assert.equal(report.questions[0].takes.length, 1, "the reload began another take");
  assert.deepEqual(wrong, []);
});

/** The fake microphone beeps every second: the meter must not stand still. */
async function meterMoves(page) {
  const seen = new Set();
  const meter = byId(page, "meter");
  await meter.waitFor();
  for (const until = Date.now() + 10_000; seen.size < 2 && Date.now() < until; ) {
    seen.add(await meter.evaluate((m) => m.outerHTML));
    await page.evaluate(() => new Promise(requestAnimationFrame));
  }
  assert.ok(seen.size > 1, "the microphone meter does not move");
}

/** Waits until the recording mark shows at least so many seconds. */
const elapsed = (page, seconds) =>
  page.waitForFunction((want) => {
    const [, m, s] = document.querySelector('[data-testid="recording-state"]')?.textContent?.match(/(\d+):(\d\d)/) ?? [];
    return Number(m) * 60 + Number(s) >= want;
  }, seconds);

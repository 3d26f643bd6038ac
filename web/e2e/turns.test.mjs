// How an answer passes in the room: silence counts down and a follow-up comes, of the AI where there is one and
// else of the bank, a moment holds the clocks until something is said, and a review waits until the candidate
// answers again or goes on.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { after, before, test } from "node:test";
import { byId, logIn, openBrowser, openPage } from "./support/browser.mjs";
import { followUpWords, startModel } from "./support/model.mjs";
import { startServer } from "./support/server.mjs";

const folder = fs.mkdtempSync(path.join(os.tmpdir(), "greenroom-turns-"));
const wav = path.join(folder, "speech.wav");
const shots = process.env.GREENROOM_SHOTS;
let model;
let server;
let browser;

before(async () => {
  // Two sentences with sixteen seconds between them, and a minute of nothing.
  const clip = (n) => `/usr/share/pocketsphinx/test/data/librivox/sense_and_sensibility_01_austen_64kb-${n}.wav`;
  const graph = "[0]adelay=4000,apad=pad_dur=16[a];[1]apad=pad_dur=60[b];[a][b]concat=n=2:v=0:a=1,aresample=48000";
  execFileSync("ffmpeg", ["-y", "-loglevel", "error", "-i", clip("0870"), "-i", clip("0880"), "-filter_complex", graph, "-ac", "1", wav]);
  model = await startModel({ followUpAfter: 5_000 }); // asked with the countdown, it comes a second after it
  server = await startServer({ GREENROOM_AI_BASE_URL: model.address, GREENROOM_AI_CHAT_MODEL: "test-model" });
  browser = await openBrowser({ wav });
});

after(async () => {
  await browser?.close();
  const code = await server?.stop();
  await model?.stop();
  fs.rmSync(folder, { recursive: true, force: true });
  assert.equal(code, 0, `the server stopped with ${code}:\n${server?.banner()}`);
  server?.remove();
});

/** A picture of the page on a wide screen and on a phone. */
async function look(page, name) {
  if (!shots) return;
  for (const [width, height] of [[1440, 900], [390, 844]]) {
    await page.setViewportSize({ width, height });
    await page.screenshot({ path: path.join(shots, `turns-${name}-${width}.png`), fullPage: width < 1000 });
  }
  await page.setViewportSize({ width: 1440, height: 900 });
}

const focused = (page) => page.evaluate(() => document.activeElement.dataset.testid);
const phase = (page, want) => page.locator(`[data-testid="countdown"][data-phase="${want}"]`).waitFor();

test("silence, a moment and a review", { timeout: 240_000 }, async (t) => {
  const { page, wrong } = await openPage(browser, { reducedMotion: "reduce" });
  await logIn(page, server.address, server.accounts.candidate);
  await page.goto(`${server.address}/start`);
  await byId(page, "role-software-engineer").check();
  await byId(page, "mode-exam").check();
  assert.equal(await byId(page, "follow-ups").count(), 0, "in an exam everyone is asked the same");
  await byId(page, "mode-practice").check();
  assert.equal(await byId(page, "follow-ups").isChecked(), false);
  await byId(page, "follow-ups").check();
  await look(page, "start");
  await byId(page, "start-submit").click();
  await page.waitForURL("**/consent");
  for (const box of ["recording", "transcription", "assessment"]) await byId(page, `consent-${box}`).check();
  await byId(page, "consent-continue").click();
  await page.waitForURL("**/devices");
  const session = new URL(page.url()).pathname.split("/")[2];
  await page.goto(`${server.address}/sessions/${session}/room`);
  await byId(page, "room-begin").click();
  await byId(page, "room-start-answer").click();
  const question = await byId(page, "question").textContent();

  // The first sentence, and then nothing: the countdown is seen, said once, and ends what was asked first.
  const closing = byId(page, "closing");
  await page.waitForFunction(() => document.querySelector('[data-testid="closing"]')?.dataset.left, null, { timeout: 60_000 });
  const began = Date.now();
  await byId(page, "room-done").focus();
  assert.match(await closing.textContent(), /Finishing your answer in [1-4] s\. Keep talking to go on\./);
  assert.equal(await closing.getByRole("status").textContent(), "Finishing your answer in 4 seconds. Keep talking to go on.");
  await look(page, "closing");
  await byId(page, "thinking").waitFor();
  assert.equal(await byId(page, "thinking").textContent(), "Thinking of a follow-up…");
  assert.deepEqual([await byId(page, "room-done").getAttribute("aria-disabled"), await byId(page, "room-skip").isEnabled()], ["true", true]);
  assert.equal(await focused(page), "room-done", "the focus was lost while a follow-up is thought of");
  await page.evaluate(() => document.activeElement.blur()); // keys are the focused button's own
  await look(page, "thinking");
  await phase(page, "probing");
  t.diagnostic(`the follow-up came ${Date.now() - began} ms after the countdown was seen`);
  const asked = await byId(page, "probe").textContent();
  assert.match(asked, followUpWords);
  assert.equal(await byId(page, "probe-by").textContent(), "Follow-up by the AI, from what you said");
  await look(page, "follow-up");
  assert.equal(await byId(page, "question").textContent(), question, "the question is still to be read");

  // A moment holds the clock, until the second sentence.
  await page.keyboard.press("p");
  await closing.getByText("Take your time").first().waitFor();
  const left = async () => (await page.locator(".ring-clock").textContent()).trim();
  const before = await left();
  await look(page, "moment");
  assert.equal(await left(), before, "the clock goes on in a moment");
  await page.waitForFunction(() => !/Take your time/.test(document.querySelector('[data-testid="closing"]')?.textContent ?? ""));

  // Silence again: the answer closes, and what came of it is there to be read.
  await byId(page, "reviewing").waitFor({ timeout: 60_000 });
  assert.equal(await byId(page, "room-skip").count(), 0);
  const panel = byId(page, "room-feedback").getByTestId("question-panel");
  await panel.getByText("You had stopped speaking.").waitFor();
  await panel.getByText("Words a minute").first().waitFor({ timeout: 60_000 });
  await look(page, "review");

  // Once more, and then on.
  await page.keyboard.press("a");
  await byId(page, "room-start-answer").click();
  assert.equal(await byId(page, "question").textContent(), question);
  await byId(page, "room-done").click();
  await phase(page, "probing"); // nothing was said that could be asked about
  assert.equal(await byId(page, "probe-by").textContent(), "Follow-up question");
  await byId(page, "room-skip").click();
  await byId(page, "reviewing").waitFor();
  await byId(page, "room-next").click();
  await phase(page, "preparing");
  assert.notEqual(await byId(page, "question").textContent(), question);

  const report = await (await page.request.get(`${server.address}/api/v1/sessions/${session}/report`)).json();
  assert.deepEqual(report.questions[0].takes.map((take) => take.ended_by), ["silence", "done"]);
  assert.deepEqual(report.questions[0].takes.map((take) => take.follow_up?.text), [asked, undefined]);
  await page.goto(`${server.address}/sessions/${session}/report`);
  await page.getByRole("button", { name: "Take 1" }).click();
  await byId(page, "report-follow-up").getByText(asked).waitFor();
  assert.match(await byId(page, "report-follow-up").textContent(), /Follow-up by the AI \(openai:test-model\)/);
  await look(page, "report");
  assert.ok((report.questions[0].takes[0].lines ?? []).length >= 2, "both sentences belong to the first take");
  assert.deepEqual(wrong, []);
});

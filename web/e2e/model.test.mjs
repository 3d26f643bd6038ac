// With a model configured: the notice names it, ratings come with evidence in the candidate's own words,
// and they appear on the open report as they are written.
import assert from "node:assert/strict";
import * as path from "node:path";
import { after, before, test } from "node:test";
import { byId, logIn, openBrowser, openPage } from "./support/browser.mjs";
import { startModel } from "./support/model.mjs";
import { rehearse } from "./support/rehearsal.mjs";
import { startServer } from "./support/server.mjs";

const shots = process.env.GREENROOM_SHOTS;
let model;
let server;
let browser;

before(async () => {
  model = await startModel();
  server = await startServer({ GREENROOM_AI_BASE_URL: model.address, GREENROOM_AI_CHAT_MODEL: "test-model" });
  browser = await openBrowser();
});

after(async () => {
  await browser?.close();
  assert.equal(await server?.stop(), 0);
  await model?.stop();
  server?.remove();
});

test("ratings appear with evidence in the candidate's own words", { timeout: 180_000 }, async () => {
  const { page, wrong } = await openPage(browser);
  await logIn(page, server.address, server.accounts.candidate);
  const judge = await (await page.request.get(`${server.address}/api/v1/judge`)).json();
  assert.match(judge.assessor.model, /test-model/);
  assert.match(judge.assessor.place, /127\.0\.0\.1/);

  const session = await rehearse(server);
  const api = `${server.address}/api/v1/sessions/${session}/report`;
  const report = await (await page.request.get(api)).json();
  assert.equal(report.label, "unvalidated practice estimate");
  const take = report.questions[0].takes[0];
  const words = new Map(take.lines.map((line) => [line.sequence, line.words.map((w) => w.text)]));
  assert.ok(take.evidence.length > 0, "there is no evidence");
  for (const e of take.evidence) assert.equal(e.quote, words.get(e.sequence).slice(e.first, e.last + 1).join(" "));
  assert.ok(take.ratings.some((r) => r.rater.kind === "model" && r.level === 3));

  await page.goto(`${server.address}/sessions/${session}/report`);
  await page.getByText("unvalidated practice estimate").first().waitFor();
  await page.getByText(take.evidence[0].quote).first().waitFor();
  // Two ratings differ, so there are three: the level in the middle, the range, and a badge for each.
  const competency = take.evidence[0].competency;
  const standing = take.standings.find((s) => s.competency === competency);
  assert.deepEqual([standing.level, standing.low, standing.high, standing.raters, standing.sureness], [3, 3, 4, 3, "close"]);
  const rated = page.getByTestId(`rating-${competency}`).first();
  assert.equal(await rated.getByTestId("rater").count(), 3);
  assert.match(await rated.getByTestId("standing").innerText(), /Levels 3 to 4, from 3 ratings/);
  assert.match(await page.getByTestId("standings").innerText(), /Judged in 1 of/);
  // How the models were asked and what answered stands with the levels; how well the answer was heard was counted.
  const asked = rated.getByTestId("how-asked");
  await asked.locator("summary").click();
  assert.match(await asked.innerText(), /called the model “test”/);
  for (const name of ["sound_lost", "sound_clipped", "words_unsure"]) {
    assert.ok(take.measurements.some((m) => m.name === name && m.valid && m.value < 10), `${name} was not counted`);
  }
  const feedback = page.getByTestId("feedback").first();
  assert.match(await feedback.innerText(), /You say which part you built\./);
  assert.doesNotMatch(await feedback.innerText(), /confident/);
  assert.ok((await feedback.innerText()).includes(take.evidence[0].quote));
  if (shots) await page.screenshot({ path: path.join(shots, "report-rated.png"), fullPage: true });

  // With an agreement card the same report says how the model compares with people, also on paper. The label
  // comes from the server; how it gets there is a test of the program.
  const of = (value) => ({ value, low: value - 0.08, high: value + 0.08, n: 64 });
  const agreement = {
    models: ["openai:test-model"], measured_at: "2026-01-02T03:04:05Z", people: 2, answers: 64, questions: 8,
    kappa: of(0.71), icc: of(0.76), bias: of(-0.12), humans: of(0.79), pairs: of(0.97), attacks: of(0.02),
  };
  for (const rating of take.ratings) Object.assign(rating, { heard_badly: ["clipped"], partly_read: true });
  await page.route(api, (route) => route.fulfill({ json: { ...report, label: "practice estimate; kappa 0.71", agreement } }));
  await page.reload();
  const table = page.getByTestId("agreement");
  await table.waitFor();
  assert.match(await rated.getByTestId("heard-clipped").innerText(), /too loud and cut off/);
  assert.match(await rated.getByTestId("partly-read").innerText(), /look for evidence in all/);
  const said = await table.innerText();
  for (const part of ["64 answers to 8 questions", "at least 2 people", "0.71", "0.63 to 0.79", "-0.12", "0.02"]) assert.ok(said.includes(part), `${part} is not in ${said}`);
  await page.getByText("Practice estimate; kappa 0.71").first().waitFor();
  assert.equal(await page.getByText("unvalidated practice estimate").count(), 0);
  if (shots) await page.screenshot({ path: path.join(shots, "report-agreement.png"), fullPage: true });
  await page.emulateMedia({ media: "print" });
  assert.ok(await table.isVisible(), "the agreement is not on paper");
  await page.emulateMedia({ media: "screen" });
  await page.unroute(api);

  await corrects(page, session, competency);
  // What was sent: the question, the rubric and the words; never who the candidate is.
  const sent = JSON.stringify(model.asked);
  assert.ok(!sent.includes("candidate@demo.test") && !sent.includes("Demo candidate") && !sent.includes(session));
  assert.deepEqual(wrong, []);
});

// A line is corrected against its sound: what is typed survives a failure, the answer is rated again, both levels
// stay, and what stood there is the candidate's alone.
async function corrects(page, session, competency) {
  await page.goto(`${server.address}/sessions/${session}/report`);
  await byId(page, "correct-0-1").click();
  const field = page.locator('[data-testid^="correct-line-"]').first();
  await page.waitForFunction(() => document.activeElement.tagName === "TEXTAREA", undefined, { timeout: 5_000 });
  const before = await field.inputValue();
  const [first, second] = before.split(" ");
  await field.fill(`${first} Kafka ${before.split(" ").slice(2).join(" ")}`);
  assert.equal(await byId(page, "correct-change").locator("del").textContent(), `was: ${second}`);
  assert.equal(await byId(page, "correct-change").locator("ins").textContent(), "now: Kafka");
  await page.getByRole("button", { name: /Play the line at/ }).first().click();
  await page.waitForFunction(() => document.querySelector("video").currentTime > 1, undefined, { timeout: 10_000 });
  if (shots) await page.screenshot({ path: path.join(shots, "correct.png"), fullPage: true });

  const post = (url) => url.pathname.endsWith("/corrections");
  await page.route(post, (route) => route.abort());
  await byId(page, "correct-save-0-1").click();
  await byId(page, "error").waitFor();
  await byId(page, "question-tab-1").click();
  await byId(page, "question-tab-0").click();
  assert.match(await field.inputValue(), /Kafka/);
  assert.equal(await page.evaluate(() => document.activeElement.dataset.testid), "question-tab-0", "who came back lost the focus");
  await page.unroute(post);
  await byId(page, "correct-save-0-1").click();
  await byId(page, "corrected-note").first().waitFor();
  await page.waitForFunction(() => document.activeElement.dataset.testid === "correct-0-1", undefined, { timeout: 5_000 });
  await byId(page, `rating-${competency}`).getByText("Level 5 of 5").first().waitFor();
  assert.equal(await byId(page, `earlier-${competency}`).locator(".badge").count(), 3);
  await page.getByText("Show what was written first").click();
  assert.equal(await byId(page, "first-written").locator("del").first().textContent(), `was: ${second}`);
  if (shots) {
    await page.screenshot({ path: path.join(shots, "corrected.png"), fullPage: true });
    await page.setViewportSize({ width: 390, height: 844 });
    await byId(page, "correct-0-1").click();
    await page.screenshot({ path: path.join(shots, "correct-narrow.png"), fullPage: true });
    await byId(page, "correct-cancel-0-1").click();
    await page.emulateMedia({ colorScheme: "dark" });
    await page.screenshot({ path: path.join(shots, "corrected-dark.png"), fullPage: true });
    await page.emulateMedia({ colorScheme: "light" });
    await page.setViewportSize({ width: 1440, height: 900 });
  }

  await page.goto(`${server.address}/sessions/${session}/sharing`);
  await byId(page, "share-org").selectOption({ index: 1 });
  for (const scope of ["ratings", "feedback", "transcript"]) await byId(page, `share-scope-${scope}`).check();
  await byId(page, "share-submit").click();
  await byId(page, "share-withdraw").first().waitFor();
  const employer = await openPage(browser);
  await logIn(employer.page, server.address, server.accounts.employer);
  const shared = `${server.address}/api/v1/shared/${session}`;
  await employer.page.goto(`${server.address}/org`);
  await byId(employer.page, "shared-session").first().click();
  await byId(employer.page, "rate-first-done").click();
  await byId(employer.page, `earlier-${competency}`).waitFor();
  await employer.page.getByText(/Corrected by the candidate: 1 of \d+ words/).first().waitFor();
  if (shots) await employer.page.screenshot({ path: path.join(shots, "corrected-employer.png"), fullPage: true });
  const theirs = await (await employer.page.request.get(`${shared}/report`)).text();
  const captions = await (await employer.page.request.get(`${shared}/captions.vtt`)).text();
  assert.ok(captions.includes("Kafka") && !captions.includes(`${first} ${second}`), captions);
  assert.ok(!theirs.includes("difference") && JSON.parse(theirs).questions[0].takes[0].earlier.every((r) => !r.why_not_higher));
  assert.deepEqual([...employer.wrong], []);
}

// Levels that people give and contest, in a real browser: nothing that was typed is lost, and the focus goes on.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { byId, logIn, openBrowser, openPage } from "./support/browser.mjs";
import { rehearse } from "./support/rehearsal.mjs";
import { startServer } from "./support/server.mjs";

let server;
let browser;
let session;

before(async () => {
  server = await startServer();
  browser = await openBrowser();
  session = await rehearse(server);
});

after(async () => {
  await browser?.close();
  assert.equal(await server?.stop(), 0);
  server?.remove();
});

test("own levels survive other questions, the last sentence is stored before the form closes, and a contest is heard of", { timeout: 180_000 }, async () => {
  const candidate = await openPage(browser);
  const employer = await openPage(browser);
  await logIn(candidate.page, server.address, server.accounts.candidate);
  await candidate.page.goto(`${server.address}/sessions/${session}/sharing`);
  await byId(candidate.page, "share-org").selectOption({ index: 1 });
  for (const scope of ["ratings", "feedback", "transcript"]) await byId(candidate.page, `share-scope-${scope}`).check();
  await byId(candidate.page, "share-submit").click();
  await byId(candidate.page, "share-withdraw").first().waitFor();

  const { page } = employer;
  await logIn(page, server.address, server.accounts.employer);
  await page.goto(`${server.address}/org`);
  await byId(page, "shared-session").first().click();
  await byId(page, "rate-first").waitFor();
  const form = page.locator('[data-testid^="person-rating-"]').first();
  const competency = (await form.getAttribute("data-testid")).slice("person-rating-".length);
  const why = byId(page, `person-why-${competency}`);
  const puts = [];
  page.on("request", (r) => r.method() === "PUT" && puts.push(r.postDataJSON()));

  // Arrow keys pass over levels that nobody means.
  await byId(page, `person-${competency}-1`).focus();
  await page.keyboard.press("Space");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowDown");
  await form.getByText("Saved.").waitFor();
  assert.deepEqual(puts, [{ level: 3, why: "", revision: 0 }]);

  await why.fill("A date was named.");
  await byId(page, "question-tab-1").click();
  await form.waitFor({ state: "detached" });
  await byId(page, "question-tab-0").click();
  assert.equal(await why.inputValue(), "A date was named.");
  assert.ok(await byId(page, `person-${competency}-3`).isChecked());
  await byId(page, `person-${competency}-4`).check();
  await form.getByText("Saved.").waitFor();
  assert.deepEqual(puts.slice(1), [
    { level: 3, why: "A date was named.", revision: 0 },
    { level: 4, why: "A date was named.", revision: 0 },
  ]);

  // What could not be saved keeps the form open.
  const rating = (url) => url.pathname.includes("/ratings/");
  await page.route(rating, (route) => route.abort());
  await why.fill("A date and a name were said.");
  await byId(page, "rate-first-done").click();
  await byId(page, "rate-first-open").waitFor();
  assert.match(await byId(page, "rate-first-open").textContent(), /question 1 could not be saved/);
  await page.unroute(rating);
  await why.fill("A date and two names were said.");
  await byId(page, "rate-first-done").click(); // leaves the sentence and closes the form, in this order
  await byId(page, "rate-first").waitFor({ state: "detached" });
  await byId(page, `person-${competency}`).getByText("A date and two names were said.").waitFor();
  await page.waitForFunction(() => document.activeElement.tagName === "H3", undefined, { timeout: 5_000 });

  await candidate.page.goto(`${server.address}/sessions/${session}/report`);
  await candidate.page.getByText("A date and two names were said.").first().waitFor();
  const contest = byId(candidate.page, `contest-${competency}`);
  await contest.locator("summary").click();
  await byId(candidate.page, `contest-send-${competency}`).click();
  await byId(candidate.page, "contest-note").first().waitFor();
  await candidate.page.waitForFunction(() => document.activeElement.dataset.testid === "contest-note", undefined, { timeout: 5_000 });
  assert.deepEqual([...candidate.wrong, ...employer.wrong], []);
});

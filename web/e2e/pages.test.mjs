// The doors: who is too young, who refuses everything, what a device that is missing looks like.
import assert from "node:assert/strict";
import * as path from "node:path";
import { after, before, test } from "node:test";
import { byId, logIn, openBrowser, openPage } from "./support/browser.mjs";
import { unusedCode } from "./support/codes.mjs";
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

test("someone under 16 is refused kindly and nothing is sent but the birth date", async () => {
  const { page, wrong } = await openPage(browser);
  const posted = [];
  page.on("request", (request) => request.method() === "POST" && posted.push([new URL(request.url()).pathname, request.postData()]));
  await page.goto(`${server.address}/join`);
  assert.equal(await byId(page, "email").count(), 0, "the e-mail address is asked before the age");
  const tooYoung = `${new Date().getFullYear() - 15}-01-01`;
  await byId(page, "join-birth-date").fill(tooYoung);
  await byId(page, "join-continue").click();
  await byId(page, "join-refused").waitFor();
  assert.deepEqual(posted.map(([path]) => path), ["/api/v1/age-check"]);
  const answer = await page.request.post(`${server.address}/api/v1/accounts`, {
    headers: { Origin: server.address },
    data: { birth_date: tooYoung, email: "young@example.org", display_name: "Young", password: "a long enough pass phrase" },
  });
  assert.equal(answer.status(), 403, "the server itself refuses, whatever the page does");
  assert.deepEqual(await page.context().cookies(), []);
  assert.deepEqual(wrong, []);
});

test("refusing everything still gives an interview, and that work is never started", { timeout: 120_000 }, async () => {
  const { page, wrong } = await openPage(browser);
  await logIn(page, server.address, server.accounts.candidate);
  await page.goto(`${server.address}/start`);
  await byId(page, "role-customer-support").check();
  await byId(page, "start-submit").click();
  await page.waitForURL("**/consent");
  const session = new URL(page.url()).pathname.split("/")[2];
  await byId(page, "consent-continue").click();
  await page.waitForURL("**/devices");
  await page.goto(`${server.address}/sessions/${session}/room`);
  await byId(page, "room-begin").click();
  await byId(page, "room-start-answer").click();
  await byId(page, "room-done").click();
  await byId(page, "room-finish").click();
  await byId(page, "room-finish-confirm").click();
  await byId(page, "room-to-report").waitFor();
  const report = await (await page.request.get(`${server.address}/api/v1/sessions/${session}/report`)).json();
  assert.equal(report.recording ?? null, null);
  for (const question of report.questions) {
    for (const take of question.takes) {
      assert.equal((take.lines ?? []).length, 0);
      assert.equal((take.measurements ?? []).length, 0);
      assert.equal((take.ratings ?? []).length, 0);
    }
  }
  assert.equal((await page.request.get(`${server.address}/api/v1/sessions/${session}/recording.webm?through=1`)).status(), 404);
  await page.goto(`${server.address}/sessions/${session}/report`);
  await page.getByRole("heading", { level: 1 }).waitFor();
  assert.deepEqual(wrong, []);
});

test("an interview is chosen by keyboard at phone width, and an exam is the same for everyone", async () => {
  const { page, wrong } = await openPage(browser, { viewport: { width: 390, height: 844 } });
  await logIn(page, server.address, server.accounts.candidate);
  await page.goto(`${server.address}/start`);
  await page.locator('[data-testid^="role-"]').nth(5).waitFor(); // six roles or more
  assert.equal(await page.locator('[data-testid^="length-"]').count(), 0, "lengths are shown before a role is chosen");
  await byId(page, "role-customer-support").focus();
  await page.keyboard.press("Space");
  assert.ok(await byId(page, "length-4").isChecked(), "four questions are not what is chosen by itself");
  await byId(page, "length-4").focus();
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("ArrowRight");
  assert.ok(await byId(page, "length-6").isChecked());
  assert.match(await byId(page, "start-steps").innerText(), /asked 6 questions.*up to 3 times/s);
  assert.equal(await byId(page, "start-steps").locator("li").count(), 5);
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  assert.ok(wide <= 0, `the page scrolls sideways by ${wide} px`);
  await byId(page, "start-submit").focus();
  await page.keyboard.press("Enter");
  await page.waitForURL("**/consent");
  const session = async () => {
    const id = new URL(page.url()).pathname.split("/")[2];
    return (await page.request.get(`${server.address}/api/v1/sessions/${id}`)).json();
  };
  const practice = await session();
  assert.deepEqual([practice.mode, practice.questions, practice.takes], ["practice", 6, 3]);

  await page.goto(`${server.address}/start`);
  await byId(page, "role-customer-support").check();
  await byId(page, "length-7").check();
  await byId(page, "mode-exam").check();
  assert.equal(await page.locator('[data-testid^="length-"]').count(), 0, "an exam's length can be chosen");
  assert.match(await byId(page, "start-steps").innerText(), /the 4 questions that everyone gets/);
  await byId(page, "start-submit").click();
  await page.waitForURL("**/consent");
  const exam = await session();
  assert.deepEqual([exam.mode, exam.questions, exam.takes], ["exam", 4, 1]);
  assert.deepEqual(wrong, []);
});

test("a denied microphone says what to do next", async () => {
  const denied = await openBrowser({ args: ["--deny-permission-prompts"] });
  try {
    const { page } = await openPage(denied, { permissions: [] });
    await page.addInitScript(() => {
      navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException("denied", "NotAllowedError"));
    });
    await logIn(page, server.address, server.accounts.candidate);
    await page.goto(`${server.address}/start`);
    await byId(page, "role-software-engineer").check();
    await byId(page, "start-submit").click();
    await page.waitForURL("**/consent");
    await byId(page, "consent-continue").click();
    await page.waitForURL("**/devices");
    await page.locator('[data-testid^="trouble-"]').first().waitFor();
  } finally {
    await denied.close();
  }
});

test("every page works by keyboard alone and at phone width", async () => {
  const { page, wrong } = await openPage(browser, { viewport: { width: 390, height: 844 } });
  await page.goto(`${server.address}/login`);
  await byId(page, "email").focus();
  await page.keyboard.type(server.accounts.ops.email);
  await page.keyboard.press("Tab");
  await page.keyboard.type(server.accounts.ops.password);
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => document.activeElement?.dataset.testid === "code"); // what is typed lands there
  await page.keyboard.type(await unusedCode(server.accounts.ops.second_factor));
  await page.keyboard.press("Enter");
  await page.waitForURL("**/ops");
  for (const address of ["/ops", "/account", "/", "/login", "/join"]) {
    await page.goto(server.address + address);
    await page.getByRole("heading", { level: 1 }).first().waitFor();
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    assert.ok(wide <= 0, `${address} scrolls sideways by ${wide} px at phone width`);
  }
  assert.deepEqual(wrong, []);
});

test("questions are preferred by a PDF that its sender has looked at", { timeout: 120_000 }, async () => {
  const { page, wrong } = await openPage(browser);
  await page.setContent("<h1>Nurse, eleven years</h1><p>Triage in an emergency ward, hand-over by SBAR, early warning scores.</p>");
  const pdf = await page.pdf({ format: "A4" });
  await logIn(page, server.address, server.accounts.candidate);
  await page.goto(`${server.address}/start`);
  await byId(page, "role-registered-nurse").check();
  await byId(page, "tailor").locator("summary").click();
  await byId(page, "tailor-file").setInputFiles({ name: "cv.pdf", mimeType: "application/pdf", buffer: pdf });
  await page.waitForFunction(() => document.querySelector("textarea")?.value.includes("Triage"));
  await byId(page, "tailor-look").click();
  await byId(page, "tailor-words").getByText("SBAR").waitFor();
  await shoot(page, "start-tailored");
  // What is no PDF is refused with what to do, and what was there stays.
  await byId(page, "tailor-file").setInputFiles({ name: "cv.pdf", mimeType: "application/pdf", buffer: Buffer.from("not a PDF at all") });
  await byId(page, "tailor").getByText("That is not a PDF.").waitFor();
  assert.match(await byId(page, "tailor-text").inputValue(), /Triage/);
  const begun = page.waitForRequest((request) => request.method() === "POST" && request.url().endsWith("/api/v1/sessions"));
  await byId(page, "start-submit").click();
  await page.waitForURL("**/consent");
  assert.match((await begun).postDataJSON().text, /SBAR/);
  assert.deepEqual(wrong, []);
});

async function shoot(page, name) {
  if (!process.env.GREENROOM_SHOTS) return;
  await page.screenshot({ path: path.join(process.env.GREENROOM_SHOTS, `${name}.png`), fullPage: true });
  await page.setViewportSize({ width: 390, height: 844 });
  await page.screenshot({ path: path.join(process.env.GREENROOM_SHOTS, `${name}-phone.png`), fullPage: true });
  await page.setViewportSize({ width: 1440, height: 900 });
}

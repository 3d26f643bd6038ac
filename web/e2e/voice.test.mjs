// Spoken questions in a real browser: with the server's voice, which a person who talks stops, and without any.
import assert from "node:assert/strict";
import * as path from "node:path";
import { after, before, test } from "node:test";
import { byId, logIn, openBrowser, openPage } from "./support/browser.mjs";
import { startServer } from "./support/server.mjs";
import { startVoice } from "./support/voice.mjs";

const shots = process.env.GREENROOM_SHOTS;
let voice;
let server;
let browser;

before(async () => {
  voice = await startVoice();
  server = await startServer({
    GREENROOM_AI_VOICE_BASE_URL: voice.address,
    GREENROOM_AI_VOICE_MODEL: "test-voice",
    GREENROOM_AI_VOICE: "calm",
  });
  browser = await openBrowser();
});

after(async () => {
  await browser?.close();
  assert.equal(await server?.stop(), 0);
  await voice?.stop();
  server?.remove();
});

/** A microphone that hears what the test wants, and a log of what the page plays. */
async function microphone(page) {
  await page.addInitScript(() => {
    const log = [];
    let room;
    window.heard = log;
    const note = (what) => log.push({ what, at: performance.now() });
    document.addEventListener("click", () => note("click"), { capture: true });
    const { play, pause } = HTMLMediaElement.prototype;
    HTMLMediaElement.prototype.play = function () {
      if (this instanceof HTMLAudioElement) this.addEventListener("playing", () => note("playing"), { once: true });
      return play.call(this);
    };
    HTMLMediaElement.prototype.pause = function () {
      if (this instanceof HTMLAudioElement && !this.paused) note("paused");
      return pause.call(this);
    };
    navigator.mediaDevices.getUserMedia = async () => {
      const context = new AudioContext();
      await context.resume();
      const noise = context.createBuffer(1, context.sampleRate, context.sampleRate);
      const samples = noise.getChannelData(0);
      for (let i = 0; i < samples.length; i++) samples[i] = 2 * Math.random() - 1;
      const source = new AudioBufferSourceNode(context, { buffer: noise, loop: true });
      room = context.createGain();
      room.gain.value = 0.001;
      const to = context.createMediaStreamDestination();
      source.connect(room).connect(to);
      source.start();
      return to.stream;
    };
    window.talk = (on) => {
      if (on) note("talking");
      room.gain.value = on ? 0.2 : 0.001;
    };
  });
}

/** Answers the notice without any consent and opens the room in exam mode. */
async function enter(page) {
  await logIn(page, server.address, server.accounts.candidate);
  await page.goto(`${server.address}/start`);
  await byId(page, "role-software-engineer").check();
  await byId(page, "mode-exam").check();
  await byId(page, "start-submit").click();
  await page.waitForURL("**/consent");
  await byId(page, "consent-continue").click();
  await page.waitForURL("**/devices");
  const session = new URL(page.url()).pathname.split("/")[2];
  await page.goto(`${server.address}/sessions/${session}/room`);
}

/** Screenshots, wide and as on a phone. */
async function look(page, name) {
  if (!shots) return;
  await page.screenshot({ path: path.join(shots, `${name}.png`), fullPage: true });
  await page.setViewportSize({ width: 390, height: 844 });
  await page.screenshot({ path: path.join(shots, `${name}-phone.png`), fullPage: true });
  await page.setViewportSize({ width: 1440, height: 900 });
}

const state = (page) => byId(page, "room-voice-state").getAttribute("data-state");
const inState = (page, wanted) =>
  page.waitForFunction((s) => document.querySelector('[data-testid="room-voice-state"]')?.dataset.state === s, wanted);

/** From the newest of one thing to the next of another. */
const between = (page, from, to) =>
  page.evaluate(
    ([first, second]) => {
      const start = window.heard.findLast((h) => h.what === first).at;
      return Math.round(window.heard.find((h) => h.what === second && h.at >= start).at - start);
    },
    [from, to],
  );

test("questions are heard at once, and a person who talks is not talked over", { timeout: 240_000 }, async (t) => {
  while (!server.log().includes("every question is there as sound")) await new Promise((later) => setTimeout(later, 100));
  const { page, wrong } = await openPage(browser);
  await microphone(page);
  await enter(page);
  await byId(page, "room-begin").click();
  await inState(page, "speaking");
  const made = voice.said.length;
  await look(page, "room-voice");
  const clock = () => byId(page, "countdown").textContent();
  const stands = await clock();
  assert.match(stands, /Listen/);
  await page.waitForTimeout(2_500);
  assert.equal(await clock(), stands, "the clock runs while the question is said");
  await inState(page, "idle");
  assert.match(await clock(), /Time to think/);

  const stops = [];
  for (let n = 0; n < 5; n++) {
    await byId(page, "room-repeat").click();
    await inState(page, "speaking");
    await page.waitForTimeout(700); // the microphone hears the room first
    await page.evaluate(() => window.talk(true));
    await inState(page, "stopped");
    stops.push(await between(page, "talking", "paused"));
    await page.evaluate(() => window.talk(false));
    await page.waitForTimeout(700);
  }
  t.diagnostic(`from the first sound of a person to silence: ${stops} ms`);
  assert.ok(stops.sort((a, b) => a - b)[2] <= 200, `the voice goes on for ${stops} ms`);

  const starts = [await between(page, "click", "playing")];
  await byId(page, "room-start-answer").click();
  for (const next of ["room-done", "room-done", "room-skip"]) {
    await byId(page, next).click();
    await inState(page, "speaking");
    starts.push(await between(page, "click", "playing"));
    if ((await byId(page, "countdown").getAttribute("data-phase")) === "preparing" && next === "room-done") {
      await byId(page, "room-start-answer").click();
    }
  }
  t.diagnostic(`from the click that asks to the first sound: ${starts} ms`);
  assert.ok(starts.sort((a, b) => a - b)[2] <= 300, `the next question is heard after ${starts} ms`);
  assert.equal(voice.said.length, made, "a question was made anew");
  assert.ok(voice.said.every((s) => Object.keys(s).sort().join() === "input,model,response_format,voice"));

  await byId(page, "room-voice").click();
  assert.equal(await state(page), "off");
  await byId(page, "room-skip").click(); // to the last question: after that the room is gone
  assert.equal(await state(page), "off");
  assert.deepEqual(wrong, []);
});

test("where nothing can speak, the question is shown and the clock runs", { timeout: 60_000 }, async () => {
  const { page, wrong } = await openPage(browser);
  await microphone(page);
  await page.route("**/questions/**/voice", (route) => route.fulfill({ status: 503, body: "{}" }));
  await enter(page);
  await byId(page, "room-begin").click();
  await inState(page, "silent");
  assert.match(await byId(page, "room-voice-state").textContent(), /shown and not spoken/);
  await page.waitForFunction(() => document.querySelector('[data-testid="countdown"]')?.textContent?.includes("Time to think"));
  await look(page, "room-silent");
  assert.deepEqual(wrong, []);
});

// One interview in two windows, and in a window and a program: the newer wins only when its person says
// so, the older says plainly that it stepped back, and both ways lead back.
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

test("a second window asks, the first steps back, and may ask back", { timeout: 120_000 }, async () => {
  const { page, context, wrong } = await openPage(browser);
  const room = await interview(page);
  await page.reload(); // the same window: nobody is asked
  await receiving(page);

  const other = await context.newPage();
  await other.goto(room);
  await byId(other, "room-taken").waitFor();
  await receiving(page); // nothing was taken from the first one
  await byId(other, "room-take-over").click();
  await receiving(other);
  await byId(page, "room-ended-taken_over").waitFor();
  await other.evaluate(() => dispatchEvent(new Event("online"))); // another network: ICE anew, the same connection
  await receiving(other);

  await byId(page, "room-come-back").click(); // that button says it already
  await receiving(page);
  await byId(other, "room-ended-taken_over").waitFor();
  assert.deepEqual(wrong, []);
});

test("a program takes the page's place with its token, and the page its own again", { timeout: 120_000 }, async () => {
  const { page, context, wrong } = await openPage(browser);
  await interview(page);
  await byId(page, "program-set-up").click();
  await byId(page, "program-make").click();
  const address = await byId(page, "program-address").inputValue();
  const token = await byId(page, "program-token").inputValue();
  await byId(page, "program-close").click();

  const program = await context.newPage(); // any page of this origin can speak WHIP, as OBS would
  await program.goto(`${server.address}/`);
  const states = program.evaluate(publish, { address: new URL(address).pathname + new URL(address).search, token });
  await state(page, "sending");
  assert.equal(await states, "connected");
  await byId(page, "room-begin").click();
  await byId(page, "room-start-answer").click();
  await page.reload();
  await state(page, "sending");
  await byId(page, "program-use-own").click();
  await receiving(page);
  await state(page, "none");
  assert.deepEqual(wrong, []);
});

/** Starts an interview and goes to its room; returns the room's address. */
async function interview(page) {
  await logIn(page, server.address, server.accounts.candidate);
  await page.goto(`${server.address}/start`);
  await byId(page, "role-software-engineer").check();
  await byId(page, "start-submit").click();
  await page.waitForURL("**/consent");
  await byId(page, "consent-recording").check();
  await byId(page, "consent-continue").click();
  await page.waitForURL("**/devices");
  await byId(page, "devices-ready").click();
  await page.waitForURL("**/room");
  await receiving(page);
  return page.url();
}

const receiving = (page) => byId(page, "connection").getByText("Connection: good.", { exact: true }).waitFor();

const state = (page, want) => page.locator(`[data-testid="program"][data-state="${want}"]`).waitFor({ state: "attached" });

/** A WHIP client in a few lines: offer, answer, and the state it comes to. */
async function publish({ address, token }) {
  const audio = new AudioContext();
  const destination = audio.createMediaStreamDestination();
  const tone = audio.createOscillator();
  tone.connect(destination);
  tone.start();
  const sound = destination.stream;
  const connection = new RTCPeerConnection();
  globalThis.kept = connection; // or it is collected
  for (const track of sound.getTracks()) connection.addTransceiver(track, { direction: "sendonly", streams: [sound] });
  await connection.setLocalDescription(await connection.createOffer());
  const answer = await fetch(address, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/sdp" },
    body: connection.localDescription.sdp,
  });
  if (answer.status !== 201) return `${answer.status} ${await answer.text()}`;
  await connection.setRemoteDescription({ type: "answer", sdp: await answer.text() });
  return new Promise((resolve) => {
    connection.addEventListener("connectionstatechange", () => {
      if (["connected", "failed"].includes(connection.connectionState)) resolve(connection.connectionState);
    });
  });
}

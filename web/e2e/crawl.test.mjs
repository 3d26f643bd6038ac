// Every page, as each kind of person: all that a page asks for goes to our own origin, and no address holds
// anything that says who somebody is. What the program itself opens is held by tests in Go.
import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import { after, before, test } from "node:test";
import { logIn, openBrowser, openPage } from "./support/browser.mjs";
import { startServer } from "./support/server.mjs";

const source = path.resolve(import.meta.dirname, "../src");
const canary = { name: "Zoqueline Vaxquarro", email: "zoq.vaxquarro@brightfjord.example" };
let server;
let browser;
let session; // of the demo candidate, shared with the demo organization
let secret; // of an invitation that is open

before(async () => {
  server = await startServer();
  browser = await openBrowser();
});

after(async () => {
  await browser?.close();
  assert.equal(await server?.stop(), 0);
  server?.remove();
});

/** The pages that the program has, with the session filled in; a page that is added later is among them. */
function pages() {
  const invitation = fs.readFileSync(path.join(source, "invitation-secret.ts"), "utf8").match(/invitationPath = '([^']+)'/)[1];
  const routes = [...fs.readFileSync(path.join(source, "app.tsx"), "utf8").matchAll(/<Route (?:path=(?:"([^"]+)"|\{invitationPath\})|default)/g)];
  assert.ok(routes.length >= 18, `only ${routes.length} routes were found`);
  return routes.map(([all, route]) => (all.endsWith("default") ? "/no-such-page" : (route ?? `${invitation}#${secret}`)).replace(":id", session));
}

/** Notes everything that a person's browser asks for, and what in it may not be. */
async function watched() {
  const { page, context, wrong } = await openPage(browser);
  const asked = [];
  const answered = []; // promises, to be waited for
  const note = (request) => asked.push(request.url().split("#")[0]); // what follows "#" is not sent
  context.on("request", note);
  page.on("websocket", note);
  const look = async (response) => {
    if (response.status() === 429) wrong.push(`${response.url()} was asked for too often`);
    const { referer } = await response.request().allHeaders().catch(() => ({})); // of a request that was given up
    if (referer) wrong.push(`${response.url()} was told where one came from: ${referer}`);
  };
  context.on("response", (response) => answered.push(look(response)));
  await context.addInitScript(() => {
    globalThis.relays = [];
    const Real = globalThis.RTCPeerConnection;
    globalThis.RTCPeerConnection = class extends Real {
      constructor(config) {
        super(config);
        relays.push(...(config?.iceServers ?? []).flatMap((s) => s.urls));
      }
    };
  });
  return { page, context, wrong, asked, answered };
}

/** What is wrong with an address that was asked for. */
function faults(address, secrets) {
  const found = [];
  const url = new URL(address.replace(/^blob:/, ""));
  const own = new URL(server.address);
  if (!["about:", "data:"].includes(url.protocol) && (url.host !== own.host || !["http:", "ws:"].includes(url.protocol))) found.push("leads to another host");
  let text = address;
  for (let i = 0; i < 3; i++) text = decodeURIComponent(text.replaceAll("+", " "));
  for (const secret of secrets) if (text.toLowerCase().includes(secret.toLowerCase())) found.push("holds personal data or a secret");
  return found;
}

/** Anything in the page that would be fetched from elsewhere, or prepares it, also if nothing was asked for yet. */
const foreign = () =>
  [...document.querySelectorAll("[src],[href],[action],[data],[poster],[srcset],[ping]")].flatMap((element) =>
    ["src", "href", "action", "data", "poster", "srcset", "ping"]
      .map((name) => element.getAttribute(name))
      .filter((value) => value && new URL(value, location.href).origin !== location.origin && !/^(blob|data):/.test(value)),
  );

async function visit(person, address) {
  const { page, wrong, asked } = person;
  if (address.includes("#")) await page.goto("about:blank"); // a link is opened from elsewhere
  await page.goto(server.address + address);
  await page.getByRole("heading", { level: 1 }).first().waitFor();
  await page.waitForFunction(() => !document.querySelector('.skeleton, [aria-busy="true"]'));
  asked.push(page.url()); // with what follows "#": people copy it
  wrong.push(...(await page.evaluate(foreign)).map((link) => `${address} refers to ${link}`));
  wrong.push(...(await page.evaluate(() => relays)).map((relay) => `${address} uses the relay ${relay}`));
  const links = await page.evaluate(() => [...document.querySelectorAll("a[href]:not([download])")].map((a) => a.getAttribute("href")));
  return links.filter((link) => link.startsWith("/") && !link.startsWith("/api/")).map((link) => link.split("#")[0]);
}

/** Visits every page, and every one that those lead to. */
async function crawl(person) {
  const waiting = pages();
  const seen = new Set();
  while (waiting.length > 0) {
    const address = waiting.shift();
    if (seen.has(address)) continue;
    seen.add(address);
    assert.ok(seen.size < 60, `there is no end of pages: ${[...seen].join(" ")}`);
    waiting.push(...(await visit(person, address)));
  }
  return seen.size;
}

async function post(page, address, data, method = "POST") {
  const answer = await page.request.fetch(`${server.address}/api/v1/${address}`, { method, headers: { Origin: server.address }, data });
  assert.ok(answer.ok(), `${address}: ${answer.status()} ${await answer.text()}`);
  return answer.status() === 204 ? undefined : answer.json();
}

/** An interview of somebody with a name, shared with one organization and offered to another. */
async function share({ page }) {
  await post(page, "me/name", { display_name: canary.name }, "PUT");
  ({ id: session } = await post(page, "sessions", { role: "software-engineer", mode: "practice" }));
  const { sha256 } = await (await page.request.get(`${server.address}/api/v1/sessions/${session}/notice`)).json();
  await post(page, `sessions/${session}/consents`, { notice_sha256: sha256, recording: true, transcription: true, assessment: true });
  const terms = { purpose: "hiring", scopes: ["ratings", "transcript", "profile"], valid_until: new Date(Date.now() + 86_400_000).toISOString() };
  const { organizations } = await (await page.request.get(`${server.address}/api/v1/organizations`)).json();
  await post(page, `sessions/${session}/authorizations`, { ...terms, org_id: organizations[0].id });
  const invitation = await post(page, `sessions/${session}/invitations`, terms);
  secret = JSON.stringify(invitation).match(/"(?:secret|link|url)":"(?:[^"#]*#)?([^"]+)"/)[1];
}

test("every page asks nobody but this server, and no address says who somebody is", { timeout: 300_000 }, async (t) => {
  const { candidate, employer, ops } = server.accounts;
  const people = {};
  for (const [kind, account] of Object.entries({ candidate, employer, ops })) {
    people[kind] = await watched();
    await logIn(people[kind].page, server.address, account);
  }
  await share(people.candidate);
  people.nobody = await watched();
  const secrets = [canary.name, "vaxquarro", secret, candidate.email, employer.email, ops.email, candidate.password, employer.password, ops.password, employer.second_factor];
  const crawled = Object.entries(people).map(async ([kind, person]) => {
    const visited = await crawl(person);
    await Promise.all(person.answered);
    const found = person.asked.flatMap((address) => faults(address, secrets).map((fault) => `${address} ${fault}`));
    assert.deepEqual([...new Set([...person.wrong, ...found])], [], `as ${kind}`);
    assert.ok(person.asked.length > 3 * visited, `as ${kind}: only ${person.asked.length} requests on ${visited} pages were seen`);
    const cookies = await person.context.cookies();
    assert.ok(cookies.length === (kind === "nobody" ? 0 : 1), `as ${kind}: cookies ${cookies.map((c) => c.name)}`);
    t.diagnostic(`${kind}: ${visited} pages, ${person.asked.length} addresses`);
  });
  await Promise.all(crawled);
});

test("the watch over addresses finds what it is for", () => {
  const secrets = [canary.name, canary.email];
  for (const [address, bad] of [
    [`${server.address}/api/v1/me`, false],
    [`${server.address.replace("http", "ws")}/api/v1/room`, false],
    [`blob:${server.address}/1`, false],
    ["https://fonts.example/a.css", true],
    ["http://localhost.example/", true],
    [`${server.address.replace(/\d+$/, "1")}/`, true],
    [`wss://${new URL(server.address).hostname}.example/`, true],
    [`${server.address}/login?next=%2Fhome%3Femail%3D${encodeURIComponent(encodeURIComponent(canary.email))}`, true],
    [`${server.address}/search?name=zoqueline+vaxquarro`, true],
  ])
    assert.equal(faults(address, secrets).length > 0, bad, address);
});

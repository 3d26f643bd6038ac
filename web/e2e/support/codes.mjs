// The authenticator of the tests: codes by time (RFC 6238) from a secret in base 32.
import { createHmac } from "node:crypto";

const STEP_MS = 30_000;
const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

function decode(secret) {
  const bits = [...secret.replace(/[\s=]/g, "")].map((letter) => alphabet.indexOf(letter).toString(2).padStart(5, "0")).join("");
  return Buffer.from(bits.match(/.{8}/g).map((byte) => Number.parseInt(byte, 2)));
}

export function codeOf(secret, step) {
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(step));
  const sum = createHmac("sha1", decode(secret)).update(counter).digest();
  const number = sum.readUInt32BE(sum.at(-1) & 0xf) & 0x7fffffff;
  return String(number % 1_000_000).padStart(6, "0");
}

const used = new Map();

/** A code that the server takes now. It takes each once, and the next one early, so this seldom waits. */
export async function unusedCode(secret) {
  const step = Math.max(Math.floor(Date.now() / STEP_MS), (used.get(secret) ?? 0) + 1);
  const early = (step - 1) * STEP_MS - Date.now();
  if (early > 0) await new Promise((resolve) => setTimeout(resolve, early));
  used.set(secret, step);
  return codeOf(secret, step);
}

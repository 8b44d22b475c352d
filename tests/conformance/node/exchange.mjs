// Starts the simulated exchange and makes the members' keys. Every key pair is an account of its own.

import { spawn } from "node:child_process";
import { generateKeyPairSync, randomUUID } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

export const SUITE = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
// The SDK signs with RSA only.
export const FORMS = ["rsa-pkcs1", "rsa-pkcs8"];
// A day without a weekly pause, lived so fast that nobody waits long for timers and settlement.
const START = "2026-01-07T15:00:00Z";
const PACE = "10x";
const START_DEADLINE_MS = 30_000;
const STOP_DEADLINE_MS = 15_000;

/** Makes a key pair of one form and writes its public half to a folder. */
export function makeKey(form, folder) {
  const pair = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const id = randomUUID();
  const publicPath = path.join(folder, `${id}.pem`);
  writeFileSync(publicPath, pair.publicKey.export({ type: "spki", format: "pem" }));
  const privatePem = pair.privateKey.export({ type: form.split("-")[1], format: "pem" });
  return { id, form, privatePem, publicPath };
}

/** Runs the exchange with two members for each form of key; returns its base URL, the keys, and how to stop it. */
export async function startExchange() {
  const folder = mkdtempSync(path.join(tmpdir(), "conformance-"));
  const keys = FORMS.map((form) => ({ form, a: makeKey(form, folder), b: makeKey(form, folder) }));
  const named = keys.flatMap(({ a, b }) => [a, b]).flatMap((key) => ["--key", `${key.id}=${key.publicPath}`]);
  const scenario = path.join(SUITE, "scenario.toml");
  const time = ["--time", PACE, "--start", START];
  const options = ["exchange", "--listen", "127.0.0.1:0", "--scenario", scenario, "--log-level", "warn", ...time, ...named];
  const child = spawn(process.env.OUTRIGGER_BIN, options, { stdio: ["ignore", "pipe", "inherit"] });
  const port = await readyPort(child);
  const stop = async () => {
    const ended = once(child, "exit");
    child.kill("SIGTERM");
    const late = setTimeout(() => child.kill("SIGKILL"), STOP_DEADLINE_MS);
    const [code] = await ended;
    clearTimeout(late);
    rmSync(folder, { recursive: true });
    if (code !== 0) throw new Error(`the exchange ended with ${code}`);
  };
  return { basePath: `http://127.0.0.1:${port}/trade-api/v2`, keys, stop };
}

async function readyPort(child) {
  const late = setTimeout(() => child.kill("SIGKILL"), START_DEADLINE_MS);
  let text = "";
  for await (const chunk of child.stdout) {
    text += chunk;
    if (text.includes("\n")) break;
  }
  clearTimeout(late);
  const [word, port] = text.split(" ");
  if (word !== "READY") throw new Error(`the exchange did not start: ${text}`);
  return Number(port);
}

// The table of operations, what the exchange does not serve yet, and what the SDK has driven.

import { readFileSync } from "node:fs";
import path from "node:path";
import { SUITE } from "./exchange.mjs";

/** Returns the form in which an operation's name and the SDK's name for it are equal. */
export const plain = (name) => name.replaceAll("_", "").toLowerCase();

// Served operations that can never succeed.
const REFUSES = new Set();

function readServed() {
  const served = new Set();
  const text = readFileSync(path.join(SUITE, "operations.toml"), "utf8");
  for (const section of text.split("\n[").slice(1)) {
    const name = plain(section.slice(0, section.indexOf("]")));
    if (!/^absent = /m.test(section)) served.add(name);
    if (/^refuses = /m.test(section)) REFUSES.add(name);
  }
  return served;
}

export const SERVED = readServed();
export const NOT_YET = new Set(
  readFileSync(path.join(SUITE, "not_yet.txt"), "utf8")
    .split("\n")
    .filter((line) => line && !line.includes(" "))
    .map(plain),
);

const rows = new Map();

/** Counts one call. */
export function count(form, operation, accepted, milliseconds) {
  if (!rows.has(form)) rows.set(form, { answered: new Set(), calls: 0, refusals: 0, milliseconds: 0 });
  const row = rows.get(form);
  if (accepted || REFUSES.has(operation)) row.answered.add(operation);
  row[accepted ? "calls" : "refusals"] += 1;
  row.milliseconds += milliseconds;
}

/** Returns the served operations among the SDK's methods that never succeeded. */
export function undriven(methods) {
  const answered = new Set([...rows.values()].flatMap((row) => [...row.answered]));
  return [...methods].filter((name) => SERVED.has(name) && !NOT_YET.has(name) && !answered.has(name)).sort();
}

/** Returns the lines that end a run. */
export function table() {
  const line = (...cells) => cells[0].padEnd(22) + cells[1].padEnd(16) + cells.slice(2).map((c) => String(c).padStart(11)).join("");
  const lines = [line("SDK", "key", "operations", "calls", "refusals", "seconds")];
  for (const [form, row] of [...rows].sort()) {
    lines.push(line("kalshi-typescript", form, row.answered.size, row.calls, row.refusals, (row.milliseconds / 1000).toFixed(1)));
  }
  return lines;
}

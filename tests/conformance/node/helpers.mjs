// What the tests share: orders, trades between two members, pages, waiting, and decimals as integers.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";

const WAIT_DEADLINE_MS = 30_000;
export const NOBODY = "00000000-0000-4000-8000-000000000000";
export const IMMEDIATE = { time_in_force: "immediate_or_cancel" };
/** Returns the exchange's time in seconds; it goes faster than ours. */
export const now = async (member) => Math.floor(Date.parse((await member.getUserDataTimestamp()).as_of_time) / 1000);
export const series = (market) => market.event_ticker.split("-")[0];

/** Returns a decimal text in millionths. */
export function micros(text) {
  const [, sign, whole, fraction = ""] = /^(-?)(\d+)(?:\.(\d{1,6}))?$/.exec(text);
  return Number(sign + "1") * (Number(whole) * 1e6 + Number(fraction.padEnd(6, "0")));
}

/** Returns the fields of an order. */
export function newOrder(market, fields = {}) {
  return {
    ticker: market.ticker,
    client_order_id: randomUUID(),
    side: "bid",
    price: "0.0100",
    count: "10.00",
    time_in_force: "good_till_canceled",
    self_trade_prevention_type: "taker_at_cross",
    exchange_index: market.exchange_index,
    ...fields,
  };
}

export const place = (member, market, fields) => member.createOrderV2({ body: newOrder(market, fields) });
export const statusOf = async (member, orderId) => (await member.getOrder({ orderId })).order.status;

/** Returns a price between the best bid and ask, at which only members trade. */
export async function inside(member, { ticker }) {
  const { market } = await member.getMarket({ ticker });
  const bid = micros(market.yes_bid_dollars);
  const ranges = market.price_ranges.filter((r) => micros(r.start) <= bid && bid <= micros(r.end));
  const price = bid + Math.max(...ranges.map((r) => micros(r.step)));
  assert.ok(price < micros(market.yes_ask_dollars), `no room above ${market.yes_bid_dollars}`);
  return (price / 1e6).toFixed(4);
}

/** Lets one member sell to another. */
export async function trade(buyer, seller, market, count = "2.00") {
  const price = await inside(buyer, market);
  const resting = await place(seller, market, { side: "ask", price, count });
  const taken = await place(buyer, market, { price, count, ...IMMEDIATE });
  assert.equal(taken.fill_count, count);
  return { price, resting, taken };
}

/** Returns a member's position in hundredths of a contract. */
export async function position(member, { ticker }) {
  const { market_positions: rows } = await member.getPositions({ ticker });
  return rows.reduce((sum, row) => sum + micros(row.position_fp) / 1e4, 0);
}

/** Reads a list page by page to its end; no page may be repeated. */
export async function pages(fetch, items) {
  const seen = [];
  const cursors = new Set();
  let cursor;
  do {
    const page = await fetch(cursor);
    seen.push(...page[items]);
    cursor = page.cursor;
    assert.ok(!cursors.has(cursor), `page ${cursor} came twice`);
    cursors.add(cursor);
  } while (cursor);
  return seen;
}

/** Waits for a condition and returns what it found. */
export async function waitUntil(condition) {
  const deadline = Date.now() + WAIT_DEADLINE_MS;
  while (Date.now() < deadline) {
    const found = await condition();
    if (found) return found;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error("the condition did not come true in time");
}

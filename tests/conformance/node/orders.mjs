// An order's life, alone and in batches and groups.

import assert from "node:assert/strict";
import { IMMEDIATE, NOBODY, inside, micros, newOrder, now, pages, place, position, statusOf, trade } from "./helpers.mjs";
import { refused } from "./sdk.mjs";

export async function fromCreationToCancel({ a, market }) {
  const shard = market.exchange_index;
  const { order_id: orderId } = await place(a, market);
  const { order } = await a.getOrder({ orderId });
  assert.deepEqual([order.status, order.yes_price_dollars, order.book_side], ["resting", "0.0100", "bid"]);
  assert.ok((await a.getOrderQueuePosition({ orderId })).queue_position_fp);
  const queue = (await a.getOrderQueuePositions({ marketTickers: market.ticker })).queue_positions;
  assert.ok(queue.some((q) => q.order_id === orderId));
  const body = { ticker: market.ticker, side: "bid", price: "0.0200", count: "12.00", exchange_index: shard };
  await a.amendOrderV2({ orderId, body });
  const amended = (await a.getOrder({ orderId })).order;
  assert.deepEqual([amended.yes_price_dollars, amended.remaining_count_fp], ["0.0200", "12.00"]);
  const decreased = await a.decreaseOrderV2({ orderId, body: { reduce_to: "4.50", market_ticker: market.ticker } });
  assert.equal(decreased.remaining_count, "4.50");
  const resting = (await a.getOrders({ status: "resting", ticker: market.ticker })).orders;
  assert.ok(resting.some((o) => o.order_id === orderId));
  assert.equal((await a.cancelOrderV2({ orderId, exchangeIndex: shard })).reduced_by, "4.50");
  assert.equal(await statusOf(a, orderId), "canceled");
  await refused(404, a.cancelOrderV2({ orderId, marketTicker: market.ticker }), "not_found");
}

export async function withOnlyWhatItMustSay({ a, market }) {
  const { client_order_id: _, exchange_index: __, ...least } = newOrder(market, { side: "ask", price: "0.99", count: "3" });
  const { order_id: orderId } = await a.createOrderV2({ body: least });
  const { order } = await a.getOrder({ orderId });
  assert.deepEqual([order.yes_price_dollars, order.initial_count_fp, order.outcome_side], ["0.9900", "3.00", "no"]);
  assert.equal(order.exchange_index, market.exchange_index);
}

export async function membersTrade({ a, b, market }) {
  const before = await position(a, market);
  const { price, resting, taken } = await trade(a, b, market);
  assert.equal(taken.average_fill_price, price);
  const [mine] = (await a.getFills({ orderId: taken.order_id })).fills;
  const [theirs] = (await b.getFills({ orderId: resting.order_id })).fills;
  assert.equal(mine.trade_id, theirs.trade_id);
  assert.deepEqual([mine.is_taker, theirs.is_taker], [true, false]);
  assert.ok(micros(mine.fee_cost) > 0);
  assert.equal(await statusOf(b, resting.order_id), "executed");
  assert.equal(await position(a, market), before + 200);
  const out = { side: "ask", price: "0.0100", count: "2.00", reduce_only: true, ...IMMEDIATE };
  assert.equal((await place(a, market, out)).fill_count, "2.00");
}

export async function batchesAndCancelAll({ a, market }) {
  const orders = [newOrder(market), newOrder(market, { price: "2.0000" })];
  const created = (await a.batchCreateOrdersV2({ body: { orders } })).orders;
  assert.deepEqual([Boolean(created[0].order_id), created[1].error.code], [true, "invalid_price"]);
  const named = [{ order_id: created[0].order_id, market_ticker: market.ticker }, { order_id: "none" }];
  const canceled = (await a.batchCancelOrdersV2({ body: { orders: named } })).orders;
  assert.deepEqual([canceled[0].reduced_by, canceled[1].error.code], ["10.00", "not_found"]);
  await place(a, market);
  await a.cancelAllOrders({ subaccount: 0 });
  assert.deepEqual((await a.getOrders({ status: "resting" })).orders, []);
}

export async function ordersByPage({ a, market }) {
  const placed = [];
  for (let left = 5; left > 0; left -= 1) placed.push((await place(a, market, { count: "1" })).order_id);
  const rows = await pages((cursor) => a.getOrders({ cursor, limit: 2, status: "resting" }), "orders");
  const seen = new Set(rows.map((o) => o.order_id));
  assert.equal(seen.size, rows.length);
  assert.ok(placed.every((id) => seen.has(id)));
}

export async function refusals({ a, b, market }) {
  const mine = newOrder(market);
  const { order_id: orderId } = await a.createOrderV2({ body: mine });
  await refused(409, a.createOrderV2({ body: mine }), "order_already_exists");
  await refused(400, place(a, market, { count: "1000000.00", price: "0.1500" }), "insufficient_balance");
  await refused(404, place(a, market, { ticker: "KXSIM-NONE" }), "market_not_found");
  await refused(400, place(a, market, { price: "0.9900", post_only: true }), "post only cross");
  await refused(409, place(a, market, { time_in_force: "fill_or_kill" }), "fill_or_kill");
  await refused(404, b.getOrder({ orderId }));
  await refused(404, b.cancelOrderV2({ orderId, exchangeIndex: market.exchange_index }));
  await refused(400, a.getOrders({ limit: 1001 }));
}

export async function aGroup({ a, b, market }) {
  const exchangeIndex = market.exchange_index;
  const limit = { contracts_limit_fp: "5.00", exchange_index: exchangeIndex };
  const { order_group_id: orderGroupId } = await a.createOrderGroup({ body: limit });
  const first = await place(a, market, { order_group_id: orderGroupId });
  assert.deepEqual((await a.getOrderGroup({ orderGroupId })).orders, [first.order_id]);
  const listed = (await a.getOrderGroups({ subaccount: 0 })).order_groups;
  assert.equal(listed.find((g) => g.id === orderGroupId).contracts_limit_fp, "5.00");
  await a.triggerOrderGroup({ orderGroupId, exchangeIndex, body: {} });
  assert.equal(await statusOf(a, first.order_id), "canceled");
  await refused(400, place(a, market, { order_group_id: orderGroupId }));
  await a.resetOrderGroup({ orderGroupId, exchangeIndex, body: {} });
  await a.updateOrderGroupLimit({ orderGroupId, exchangeIndex, body: { contracts_limit_fp: "3.00" } });
  assert.equal((await a.getOrderGroup({ orderGroupId })).contracts_limit_fp, "3.00");
  const price = await inside(a, market);
  await place(a, market, { price, count: "2.00", order_group_id: orderGroupId });
  await place(b, market, { side: "ask", price, count: "2.00", ...IMMEDIATE });
  const again = await place(a, market, { order_group_id: orderGroupId });
  await a.deleteOrderGroup({ orderGroupId, exchangeIndex });
  assert.equal(await statusOf(a, again.order_id), "canceled");
  await refused(404, a.getOrderGroup({ orderGroupId: NOBODY }));
}

export async function anOrderWithAnEnd({ a, market }) {
  const expires = (await now(a)) + 3600;
  const { order_id: orderId } = await place(a, market, { expiration_time: expires, cancel_order_on_pause: true, subaccount: 0 });
  const { order } = await a.getOrder({ orderId });
  assert.deepEqual([Date.parse(order.expiration_time) / 1000, order.cancel_order_on_pause], [expires, true]);
}

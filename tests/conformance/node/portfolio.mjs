// Money: balance, subaccounts, transfers, allocation, limits.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { NOBODY, inside, micros, pages, place, trade, waitUntil } from "./helpers.mjs";
import { refused } from "./sdk.mjs";

export async function aTradeMovesCashByPriceAndFee({ a, b, market }) {
  const exchangeIndex = market.exchange_index;
  const before = micros((await a.getBalance({ exchangeIndex })).balance_dollars);
  const { price, taken } = await trade(a, b, market, "10.00");
  const after = micros((await a.getBalance({ exchangeIndex })).balance_dollars);
  const [fill] = (await a.getFills({ orderId: taken.order_id })).fills;
  assert.equal(before - after, 10 * micros(price) + micros(fill.fee_cost));
  const whole = await a.getBalance();
  assert.equal(whole.balance_breakdown.length, 4);
}

export async function limitsAndLevel({ a, market }) {
  const limits = await a.getAccountApiLimits();
  assert.ok(limits.write.bucket_capacity >= limits.write.refill_rate);
  await place(a, market);
  await a.upgradeAccountApiUsageLevel();
  assert.ok((await a.getAccountApiLimits()).grants.length);
}

export async function volumeProgress({ a }) {
  assert.ok((await a.getAccountApiUsageLevelVolumeProgress()).volume_progress);
}

export async function listsOfMoney({ a, market }) {
  assert.ok((await a.getSettlements({ limit: 5 })).settlements);
  assert.ok(await pages((cursor) => a.getDeposits({ cursor, limit: 1 }), "deposits"));
  assert.ok(await pages((cursor) => a.getWithdrawals({ cursor, limit: 1 }), "withdrawals"));
  await place(a, market, { price: "0.1000", count: "20.00" });
  const value = await a.getPortfolioRestingOrderTotalValue();
  // Whether the fee that the order may cost counts is not known.
  assert.ok(value.total_resting_order_value >= 200 && value.total_resting_order_value < 220);
}

export async function allocationBetweenShards({ a }) {
  const allocations = [{ exchange_index: 0, percent: 60 }, { exchange_index: 1, percent: 40 }];
  await a.setTargetBalanceAllocation({ body: { allocations, resting_margin_reservation: "sum" } });
  const target = await a.getTargetBalanceAllocation();
  assert.deepEqual([target.allocations, target.resting_margin_reservation], [allocations, "sum"]);
  await a.setTargetBalanceAllocation({ body: { allocations: [] } });
}

async function balances(a) {
  const rows = (await a.getSubaccountBalances()).subaccount_balances;
  return new Map(rows.map((row) => [`${row.subaccount_number}/${row.exchange_index}`, micros(row.balance)]));
}

export async function subaccounts({ a, market }) {
  const { subaccount_number: number } = await a.createSubaccount({ body: {} });
  const before = await balances(a);
  const shard = market.exchange_index;
  const move = { client_transfer_id: randomUUID(), from_subaccount: 0, to_subaccount: number, amount_cents: 5000, exchange_index: shard };
  await a.applySubaccountTransfer({ body: move });
  const after = await balances(a);
  assert.equal(before.get(`0/${shard}`) - after.get(`0/${shard}`), 50e6);
  assert.equal(after.get(`${number}/${shard}`), 50e6);
  const rows = await pages((cursor) => a.getSubaccountTransfers({ cursor, limit: 1 }), "transfers");
  assert.ok(rows.some((row) => row.to_subaccount === number && row.amount_cents === 5000));
  const { order_id: orderId } = await place(a, market, { subaccount: number });
  assert.ok((await a.getOrders({ subaccount: number })).orders.some((o) => o.order_id === orderId));
  assert.ok(!(await a.getOrders({ subaccount: 0 })).orders.some((o) => o.order_id === orderId));
  await a.cancelOrderV2({ orderId, subaccount: number, exchangeIndex: shard });
  await a.updateSubaccountNetting({ body: { subaccount_number: number, enabled: true } });
  const { netting_configs: netting } = await a.getSubaccountNetting();
  assert.equal(netting.find((row) => row.subaccount_number === number).enabled, true);
}

export async function cashMovesBetweenShards({ a }) {
  const before = await a.getBalance({ exchangeIndex: 1 });
  const body = {
    source: "event_contract",
    destination: "event_contract",
    source_exchange_shard: 0,
    destination_exchange_shard: 1,
    amount: 25_000,
  };
  const { transfer_id: transferId } = await a.intraExchangeInstanceTransfer({ body });
  await waitUntil(async () => (await a.getIntraExchangeInstanceTransfer({ transferId })).transfer.status === "complete");
  const after = await a.getBalance({ exchangeIndex: 1 });
  assert.equal(micros(after.balance_dollars) - micros(before.balance_dollars), 2.5e6);
  const rows = await pages((cursor) => a.getIntraExchangeInstanceTransfers({ cursor, limit: 1 }), "transfers");
  assert.ok(rows.some((row) => row.transfer_id === transferId));
  await refused(404, a.getIntraExchangeInstanceTransfer({ transferId: NOBODY }));
}

export async function positionsByPage({ a, b, market }) {
  await trade(a, b, market, "1.00");
  const rows = await pages((cursor) => a.getPositions({ cursor, limit: 1, countFilter: "position" }), "market_positions");
  assert.ok(rows.some((row) => row.ticker === market.ticker));
  assert.ok(await inside(a, market));
}

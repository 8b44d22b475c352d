// Runs every test with every form of key against one exchange; fails if a served operation was left out.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import * as communications from "./communications.mjs";
import { startExchange } from "./exchange.mjs";
import { now } from "./helpers.mjs";
import * as keys from "./keys.mjs";
import * as markets from "./markets.mjs";
import { table, undriven } from "./operations.mjs";
import * as orders from "./orders.mjs";
import * as portfolio from "./portfolio.mjs";
import { METHODS, NotYet, member } from "./sdk.mjs";

const exchange = await startExchange();
const modules = { markets, orders, portfolio, communications, keys };

for (const [index, { form, a, b }] of exchange.keys.entries()) {
  describe(form, () => {
    const with_ = { basePath: exchange.basePath, a: member(exchange.basePath, a), b: member(exchange.basePath, b) };
    before(async () => {
      const late = (await now(with_.a)) + 6 * 3600;
      const open = (await with_.a.getMarkets({ status: "open", limit: 1000 })).markets;
      const lasting = open.filter((m) => Date.parse(m.close_time) / 1000 > late);
      const quoted = lasting.filter((m) => m.yes_bid_dollars > 0.15 && m.yes_ask_dollars < 0.85);
      const last = (m) => Date.parse(m.close_time);
      with_.markets = quoted.sort((x, y) => last(y) - last(x) || (x.ticker < y.ticker ? -1 : 1));
      with_.market = with_.markets[index];
    });
    for (const [group, tests] of Object.entries(modules)) {
      for (const [name, test] of Object.entries(tests).filter(([, value]) => typeof value === "function")) {
        it(`${group}: ${name}`, async (context) => {
          try {
            await test(with_);
          } catch (error) {
            if (!(error instanceof NotYet)) throw error;
            context.todo(`${error.message} is not served yet`);
          } finally {
            await with_.a.cancelAllOrders();
            await with_.b.cancelAllOrders();
          }
        });
      }
    }
  });
}

describe("all together", () => {
  it("every served operation was driven", () => assert.deepEqual(undriven(METHODS), []));
});

after(async () => {
  await exchange.stop();
  console.log(table().join("\n"));
});

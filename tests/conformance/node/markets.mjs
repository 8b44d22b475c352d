// What everyone may read: the exchange, markets, books, trades, events, series, candles, combos, the archive.

import assert from "node:assert/strict";
import { NOBODY, micros, newOrder, now, pages, place, series, trade, waitUntil } from "./helpers.mjs";
import { member, refused } from "./sdk.mjs";

export async function statusHoursAndFreshness({ a }) {
  const status = await a.getExchangeStatus();
  assert.ok(status.exchange_active && status.trading_active);
  assert.deepEqual(status.exchange_index_statuses.map((s) => s.exchange_index), [0, 1, 2, 3]);
  assert.ok((await a.getExchangeSchedule()).schedule.standard_hours.length);
  const { as_of_time: read } = await a.getUserDataTimestamp();
  assert.ok((await a.getUserDataTimestamp()).as_of_time >= read);
}

export async function marketsByPageAndFilter({ a }) {
  const everything = (await a.getMarkets({ limit: 1000 })).markets;
  assert.ok(everything.length >= 20);
  const paged = await pages((cursor) => a.getMarkets({ cursor, limit: 7, status: "open" }), "markets");
  assert.equal(new Set(paged.map((m) => m.ticker)).size, paged.length);
  const some = everything.slice(0, 3).map((m) => m.ticker);
  const named = (await a.getMarkets({ tickers: some.join(",") })).markets;
  assert.deepEqual(named.map((m) => m.ticker).sort(), [...some].sort());
  assert.deepEqual((await a.getMarkets({ minCloseTs: 0, maxCloseTs: 1 })).markets, []);
  await refused(400, a.getMarkets({ minCloseTs: 1, minCreatedTs: 1 }));
}

export async function aMarketWithItsBook({ a, market, markets }) {
  const { ticker } = market;
  const again = (await a.getMarket({ ticker })).market;
  const book = (await a.getMarketOrderbook({ ticker, depth: 3 })).orderbook_fp;
  assert.ok(book.yes_dollars.length <= 3);
  assert.equal(book.yes_dollars.at(-1)[0], again.yes_bid_dollars);
  const tickers = markets.slice(0, 3).map((m) => m.ticker);
  const books = (await a.getMarketOrderbooks({ tickers })).orderbooks;
  assert.deepEqual(books.map((b) => b.ticker).sort(), [...tickers].sort());
  await place(a, market, { price: "0.0300", count: "7.25" });
  const whole = (await a.getMarketOrderbook({ ticker })).orderbook_fp;
  assert.ok(whole.yes_dollars.some(([price, count]) => price === "0.0300" && count === "7.25"));
  await refused(404, a.getMarket({ ticker: "KXSIM-NONE" }), "not");
}

export async function tradesArePublic({ a, b, market }) {
  const { taken } = await trade(a, b, market, "3.00");
  const [fill] = (await a.getFills({ orderId: taken.order_id })).fills;
  const rows = await pages((cursor) => a.getTrades({ cursor, ticker: market.ticker, limit: 1 }), "trades");
  const found = rows.find((t) => t.trade_id === fill.trade_id);
  assert.deepEqual([found.count_fp, found.taker_book_side], ["3.00", "bid"]);
}

export async function eventsAndSeries({ a, market }) {
  const eventTicker = market.event_ticker;
  const open = (await a.getEvents({ status: "open", withNestedMarkets: true })).events;
  assert.ok(open.some((event) => event.markets.some((m) => m.ticker === market.ticker)));
  assert.ok((await pages((cursor) => a.getEvents({ cursor, limit: 2 }), "events")).length >= 3);
  const event = await a.getEvent({ eventTicker });
  assert.ok(event.markets.some((m) => m.ticker === market.ticker));
  assert.ok((await a.getEventMetadata({ eventTicker })).market_details.length);
  const seriesTicker = event.event.series_ticker;
  const one = (await a.getSeries({ seriesTicker, includeVolume: true })).series;
  const listed = (await a.getSeriesList({ category: one.category })).series;
  assert.ok(listed.some((s) => s.ticker === seriesTicker));
  assert.ok((await a.getMultivariateEvents({ limit: 5 })).events);
  assert.ok((await a.getSeriesFeeChanges({ seriesTicker, showHistorical: true })).series_fee_change_arr);
  assert.ok((await a.getEventFeeChanges({ eventTicker, limit: 5 })).event_fee_changes);
}

async function span(a) {
  const at = await now(a);
  return { startTs: at - 3600, endTs: at + 60 };
}

export async function candlesOfAMarket({ a, b, market }) {
  const { taken } = await trade(a, b, market, "4.00");
  const { ticker } = market;
  const reply = await a.getMarketCandlesticks({ seriesTicker: series(market), ticker, periodInterval: 1, ...(await span(a)) });
  assert.equal(reply.ticker, ticker);
  const candle = reply.candlesticks.findLast((c) => micros(c.volume_fp) >= 4e6);
  assert.ok(micros(candle.price.low_dollars) <= micros(taken.average_fill_price));
  assert.ok(micros(taken.average_fill_price) <= micros(candle.price.high_dollars));
}

export async function candlesOfSeveralMarkets({ a, markets }) {
  const tickers = markets.slice(0, 3).map((m) => m.ticker);
  const reply = await a.batchGetMarketCandlesticks({ marketTickers: tickers.join(","), periodInterval: 60, ...(await span(a)) });
  assert.deepEqual(reply.markets.map((m) => m.market_ticker).sort(), [...tickers].sort());
}

export async function candlesOfAnEvent({ a, market }) {
  const event = { ticker: market.event_ticker, seriesTicker: series(market), periodInterval: 60 };
  const reply = await a.getMarketCandlesticksByEvent({ ...event, ...(await span(a)) });
  assert.ok(reply.market_tickers.includes(market.ticker));
  assert.equal(reply.market_candlesticks.length, reply.market_tickers.length);
}

export async function combosAreMadeOnce({ a }) {
  const listed = await pages(
    (cursor) => a.getMultivariateEventCollections({ cursor, limit: 1, status: "open" }),
    "multivariate_contracts",
  );
  const collectionTicker = listed[0].collection_ticker;
  const { multivariate_contract: one } = await a.getMultivariateEventCollection({ collectionTicker });
  const legs = [];
  for (const { ticker } of one.associated_events.slice(0, Math.max(one.size_min, 2))) {
    const market = (await a.getEvent({ eventTicker: ticker })).markets.find((m) => m.status === "active");
    legs.push({ market_ticker: market.ticker, event_ticker: ticker, side: "yes" });
  }
  const ask = { selected_markets: legs, with_market_payload: true };
  const made = await a.createMarketInMultivariateEventCollection({ collectionTicker, body: ask });
  const again = await a.createMarketInMultivariateEventCollection({ collectionTicker, body: ask });
  assert.equal(made.market_ticker, again.market_ticker);
  assert.equal(made.market.mve_collection_ticker, collectionTicker);
}

export async function theArchive({ a, market }) {
  const cutoff = await a.getHistoricalCutoff();
  const end = await now(a);
  assert.ok(Date.parse(cutoff.trades_created_ts) < end * 1000);
  const list = () => pages((cursor) => a.getHistoricalMarkets({ cursor, limit: 50 }), "markets");
  const archived = await waitUntil(async () => (await list()).at(0) && list());
  const { ticker } = market;
  assert.ok(!archived.some((m) => m.ticker === ticker));
  const rows = [
    ...(await a.getTradesHistorical({ ticker })).trades,
    ...(await a.getFillsHistorical({ ticker })).fills,
    ...(await a.getHistoricalOrders({ ticker })).orders,
  ];
  const { trades_created_ts: old } = await a.getHistoricalCutoff();
  assert.ok(rows.every((row) => row.created_time < old));
  assert.deepEqual((await a.getHistoricalPositions({ ticker })).market_positions, []);
  for (const one of archived.slice(0, 1)) {
    assert.equal((await a.getHistoricalMarket({ ticker: one.ticker })).market.ticker, one.ticker);
    const candles = { ticker: one.ticker, startTs: end - 30 * 86_400, endTs: end, periodInterval: 1440 };
    assert.equal((await a.getMarketCandlesticksHistorical(candles)).ticker, one.ticker);
  }
  await refused(404, a.getHistoricalMarket({ ticker: "KXSIM-NONE" }));
}

export async function whatNeedsNoKey({ basePath, market }) {
  const stranger = member(basePath, undefined);
  assert.ok((await stranger.getMarkets({ limit: 1 })).markets.length);
  assert.equal((await stranger.getAccountEndpointCosts()).default_cost, 10);
  await refused(401, stranger.getBalance());
  await refused(401, stranger.createOrderV2({ body: newOrder(market) }));
}

export async function catalogOfRealThings({ a, market }) {
  const { tags_by_categories: tags } = await a.getTagsForSeriesCategories();
  const { series: one } = await a.getSeries({ seriesTicker: series(market) });
  assert.ok(one.tags.every((tag) => tags[one.category].includes(tag)));
  assert.ok((await a.getFiltersForSports()).sport_ordering);
  assert.ok((await a.getMilestones({ limit: 5 })).milestones);
  assert.ok((await a.getStructuredTargets({ pageSize: 5 })).structured_targets);
  assert.ok((await a.getIncentivePrograms({ status: "active", limit: 5 })).incentive_programs);
  await refused(404, a.getMilestone({ milestoneId: NOBODY }));
  await refused(404, a.getStructuredTarget({ structuredTargetId: NOBODY }));
}

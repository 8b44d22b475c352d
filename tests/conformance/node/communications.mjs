// Requests for quotes, quotes, and block trades between two members.

import assert from "node:assert/strict";
import { NOBODY, inside, now, pages, place, position, waitUntil } from "./helpers.mjs";
import { refused } from "./sdk.mjs";

async function ask(a, market) {
  const body = { market_ticker: market.ticker, contracts_fp: "10.00", rest_remainder: false, replace_existing: true };
  return (await a.createRFQ({ body })).id;
}

async function bid(b, rfq, prices = {}) {
  const body = { rfq_id: rfq, yes_bid: "0.0100", no_bid: "0.0100", rest_remainder: false, ...prices };
  return (await b.createQuote({ body })).id;
}

export async function aRequest({ a, b, market }) {
  const mine = await a.getCommunicationsID();
  assert.notEqual(mine.communications_id, (await b.getCommunicationsID()).communications_id);
  const rfqId = await ask(a, market);
  const { rfq } = await a.getRFQ({ rfqId });
  assert.deepEqual([rfq.market_ticker, rfq.contracts_fp, rfq.status], [market.ticker, "10.00", "open"]);
  const rows = await pages((cursor) => b.getRFQs({ cursor, limit: 1, marketTicker: market.ticker }), "rfqs");
  assert.ok(rows.some((row) => row.id === rfqId));
  await a.deleteRFQ({ rfqId });
  assert.equal((await a.getRFQ({ rfqId })).rfq.status, "closed");
}

export async function aQuoteIsExecuted({ a, b, market }) {
  const before = await position(a, market);
  const rfqId = await ask(a, market);
  // At a price where nobody else trades, so that nobody comes between.
  const quoteId = await bid(b, rfqId, { yes_bid: await inside(a, market) });
  assert.equal((await a.getRFQQuote({ rfqId, quoteId })).quote.status, "open");
  const rows = await pages((cursor) => a.getQuotes({ cursor, limit: 1, rfqUserFilter: "self", rfqId }), "quotes");
  assert.deepEqual(rows.map((row) => row.id), [quoteId]);
  await a.acceptRFQQuote({ rfqId, quoteId, body: { accepted_side: "yes" } });
  await b.confirmRFQQuote({ rfqId, quoteId });
  await waitUntil(async () => (await a.getRFQQuote({ rfqId, quoteId })).quote.status === "executed");
  // The quoter bids for YES and the requester takes that bid: the requester's position falls.
  await waitUntil(async () => (await position(a, market)) === before - 1000);
}

export async function theSameByTheOlderPaths({ a, b, market }) {
  const quoteId = await bid(b, await ask(a, market));
  await a.acceptQuote({ quoteId, body: { accepted_side: "no" } });
  await b.confirmQuote({ quoteId });
  await waitUntil(async () => (await b.getQuote({ quoteId })).quote.status === "executed");
}

export async function quotesAreWithdrawn({ a, b, market }) {
  const rfqId = await ask(a, market);
  const first = await bid(b, rfqId);
  await b.deleteRFQQuote({ rfqId, quoteId: first });
  assert.equal((await b.getQuote({ quoteId: first })).quote.status, "cancelled");
  await b.deleteQuote({ quoteId: await bid(b, rfqId) });
  await refused(404, b.getQuote({ quoteId: NOBODY }));
  await a.deleteRFQ({ rfqId });
}

export async function aBlockTrade({ a, b, market }) {
  const userOf = async (one) => (await one.getOrder({ orderId: (await place(one, market)).order_id })).order.user_id;
  const before = await position(a, market);
  const body = {
    buyer_user_id: await userOf(a),
    seller_user_id: await userOf(b),
    market_ticker: market.ticker,
    price_centi_cents: 5000,
    centicount: 2000,
    maker_side: "yes",
    expiration_ts: new Date(((await now(a)) + 300) * 1000).toISOString(),
  };
  const { block_trade_proposal_id: blockTradeProposalId } = await a.proposeBlockTrade({ body });
  const rows = await pages((cursor) => b.getBlockTradeProposals({ cursor, limit: 1 }), "block_trade_proposals");
  assert.ok(rows.some((row) => row.id === blockTradeProposalId));
  await a.acceptBlockTradeProposal({ blockTradeProposalId, body: { subaccount: 0 } });
  await b.acceptBlockTradeProposal({ blockTradeProposalId });
  await waitUntil(async () => (await position(a, market)) === before + 2000);
}

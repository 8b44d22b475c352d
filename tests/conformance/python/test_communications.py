"""Requests for quotes, quotes, and block trades between two members."""

import uuid
from datetime import datetime, timezone
from decimal import Decimal

import pytest
from conftest import now, pages, wait_until
from orders import inside, new_order
from sdk import refused

NOBODY = str(uuid.UUID(int=0))


@pytest.fixture
def rfq(client, market):
    """Returns a new request of the first member, which is gone afterwards."""
    made = client.create_rfq(market_ticker=market.ticker, contracts_fp="10.00", rest_remainder=False, replace_existing=True)
    yield made.id
    if client.get_rfq(made.id).rfq.status == "open":
        client.delete_rfq(made.id)


def quote(other, rfq, yes="0.0100", no="0.0100", **fields):
    return other.create_quote(rfq_id=rfq, yes_bid=yes, no_bid=no, rest_remainder=False, **fields).id


def of_no(price):
    """Returns the price of NO at a price of YES."""
    return f"{1 - Decimal(price):.4f}"


def position(client, market):
    return sum(Decimal(row.position_fp) for row in client.get_positions(ticker=market.ticker).market_positions)


def test_members_have_different_names(client, other):
    mine, theirs = client.get_communications_id().communications_id, other.get_communications_id().communications_id
    assert mine and theirs and mine != theirs
    assert client.get_communications_id().communications_id == mine


def test_a_request_from_creation_to_deletion(client, other, market, rfq):
    shown = client.get_rfq(rfq).rfq
    assert (shown.market_ticker, shown.contracts_fp, shown.status) == (market.ticker, "10.00", "open")
    assert shown.creator_id == client.get_communications_id().communications_id
    assert other.get_rfq(rfq).rfq.creator_user_id in (None, "")
    mine = pages(client.get_rfqs, "rfqs", limit=1, user_filter=client.package.UserFilter("self"), market_ticker=market.ticker)
    assert rfq in {r.id for r in mine}
    assert rfq in {r.id for r in other.get_rfqs(status="open", event_ticker=market.event_ticker, limit=100).rfqs}
    client.delete_rfq(rfq)
    assert client.get_rfq(rfq).rfq.status == "closed"
    assert rfq not in {r.id for r in other.get_rfqs(status="open").rfqs}
    with refused(404):
        other.get_rfq(NOBODY)


def test_a_request_by_cost(client, market):
    made = client.create_rfq(
        market_ticker=market.ticker, target_cost_dollars="25.0000", target_cost_excludes_fees=True,
        rest_remainder=False, replace_existing=True, subaccount=0,
    )
    shown = client.get_rfq(made.id).rfq
    assert Decimal(shown.target_cost_dollars) == 25 and shown.target_cost_excludes_fees
    client.delete_rfq(made.id)


def test_a_quote_is_accepted_confirmed_and_executed(client, other, market, rfq):
    before = position(client, market), position(other, market)
    # At a price where nobody else trades, so that nobody comes between.
    bid = of_no(inside(client, market))
    made = quote(other, rfq, no=bid)
    shown = client.get_rfq_quote(rfq, made).quote
    assert (shown.status, shown.yes_bid_dollars, shown.no_bid_dollars) == ("open", "0.0100", bid)
    assert made in {q.id for q in pages(client.get_quotes, "quotes", limit=1, rfq_user_filter=client.package.UserFilter("self"), rfq_id=rfq)}
    assert made in {q.id for q in other.get_quotes(user_filter=other.package.UserFilter("self"), status="open", min_ts=0).quotes}
    client.accept_rfq_quote(rfq, made, accepted_side="no")
    assert client.get_rfq_quote(rfq, made).quote.status == "accepted"
    other.confirm_rfq_quote(rfq, made, body={})
    done = wait_until(lambda: (q := client.get_rfq_quote(rfq, made).quote).status == "executed" and q)
    assert done.accepted_side == "no" and done.executed_ts
    assert client.get_rfq(rfq).rfq.status == "closed"
    moved = position(client, market) - before[0], position(other, market) - before[1]
    # The quoter bids for NO and the requester takes that bid: the quoter's position falls.
    assert moved == (10, -10)


def test_the_same_by_the_older_paths(client, other, market, rfq):
    made = quote(other, rfq, yes=inside(client, market), post_only=False, subaccount=0)
    assert client.get_quote(made).quote.rfq_id == rfq
    client.accept_quote(made, accepted_side="yes")
    other.confirm_quote(made, body={})
    wait_until(lambda: other.get_quote(made).quote.status == "executed")


def test_quotes_are_withdrawn(client, other, rfq):
    made = quote(other, rfq)
    other.delete_rfq_quote(rfq, made)
    assert other.get_rfq_quote(rfq, made).quote.status == "cancelled"
    again = quote(other, rfq)
    other.delete_quote(again)
    assert other.get_quote(again).quote.status == "cancelled"
    with refused(400):
        client.accept_rfq_quote(rfq, again, accepted_side="yes")


def test_refusals(client, other, market, rfq):
    with refused(400):
        quote(other, rfq, "0.6000", "0.6000")
    with refused(404):
        other.get_quote(NOBODY)
    with refused(404):
        other.get_rfq_quote(rfq, NOBODY)
    with refused(400):
        client.get_rfqs(cursor="garbage")
    with refused(400):
        client.get_quotes(cursor="garbage")
    made = quote(other, rfq)
    with refused(400):
        other.confirm_rfq_quote(rfq, made, body={})


def test_a_block_trade(client, other, market):
    buyer, seller = user_id(client, market), user_id(other, market)
    before = position(client, market), position(other, market)
    expires = datetime.fromtimestamp(now(client) + 300, timezone.utc)
    made = client.propose_block_trade(
        buyer_user_id=buyer, buyer_subaccount=0, seller_user_id=seller, seller_subaccount=0,
        market_ticker=market.ticker, price_centi_cents=5000, centicount=2000, maker_side="yes", expiration_ts=expires,
    ).block_trade_proposal_id
    listed = {p.id: p for p in pages(other.get_block_trade_proposals, "block_trade_proposals", limit=1, market_ticker=market.ticker)}
    assert (listed[made].price_centi_cents, listed[made].centicount) == (5000, 2000)
    client.accept_block_trade_proposal(made, subaccount=0)
    other.accept_block_trade_proposal(made)
    wait_until(lambda: (position(client, market) - before[0], position(other, market) - before[1]) == (20, -20))
    trades = client.get_trades(ticker=market.ticker, is_block_trade=True).trades
    assert any(t.count_fp == "20.00" and t.yes_price_dollars == "0.5000" for t in trades)
    with refused(404):
        client.accept_block_trade_proposal(NOBODY)


def user_id(client, market):
    """Returns a member's id, which the exchange tells with the member's orders."""
    return client.get_order(client.create_order_v2(**new_order(market)).order_id).order.user_id

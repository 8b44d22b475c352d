"""One account's life through the SDK, with each form of key."""

import uuid

import pytest
from conftest import make_client, wait_until
from kalshi_python_sync.exceptions import (
    BadRequestException,
    ConflictException,
    NotFoundException,
    UnauthorizedException,
)


def new_order(market, side="bid", price="0.0100", count="10.00", **fields):
    """Returns the fields of an order; the SDK builds and checks its request model from them."""
    return {
        "ticker": market.ticker,
        "client_order_id": str(uuid.uuid4()),
        "side": side,
        "count": count,
        "price": price,
        "time_in_force": "good_till_canceled",
        "self_trade_prevention_type": "taker_at_cross",
        "exchange_index": market.exchange_index,
    } | fields


def code_of(refusal):
    return refusal.value.body


def test_balance_and_limits(client):
    balance = client.get_balance()
    assert balance.balance > 0
    assert {b.exchange_index for b in balance.balance_breakdown} == {0, 1, 2, 3}
    limits = client.get_account_api_limits()
    assert limits.write.bucket_capacity >= limits.write.refill_rate > 0


def test_an_order_from_creation_to_cancel(client, market):
    shard = market.exchange_index
    created = client.create_order_v2(**new_order(market, client_order_id=(mine := str(uuid.uuid4()))))
    assert (created.fill_count, created.remaining_count) == ("0.00", "10.00")
    assert created.client_order_id == mine

    order = client.get_order(created.order_id).order
    assert (order.status, order.client_order_id, order.yes_price_dollars) == ("resting", mine, "0.0100")
    assert client.get_order_queue_position(created.order_id).queue_position_fp
    queue = client.get_order_queue_positions(market_tickers=market.ticker).queue_positions
    assert created.order_id in {q.order_id for q in queue}

    amended = client.amend_order_v2(
        created.order_id,
        ticker=market.ticker,
        side="bid",
        price="0.0200",
        count="12.00",
        exchange_index=shard,
    )
    assert amended.remaining_count == "12.00"
    decreased = client.decrease_order_v2(created.order_id, reduce_by="2.00", exchange_index=shard)
    assert decreased.remaining_count == "10.00"
    decreased = client.decrease_order_v2(
        created.order_id, reduce_to="4.50", market_ticker=market.ticker
    )
    assert decreased.remaining_count == "4.50"

    resting = client.get_orders(status="resting", ticker=market.ticker, limit=1000).orders
    assert created.order_id in {o.order_id for o in resting}
    canceled = client.cancel_order_v2(created.order_id, exchange_index=shard)
    assert canceled.reduced_by == "4.50"
    assert client.get_order(created.order_id).order.status == "canceled"
    with pytest.raises(NotFoundException):
        client.cancel_order_v2(created.order_id, market_ticker=market.ticker)


def test_a_taker_fills_and_holds_a_position(client, market):
    taker = new_order(market, price="0.9900", count="2.00", time_in_force="immediate_or_cancel")
    taken = client.create_order_v2(**taker)
    assert (taken.fill_count, taken.remaining_count) == ("2.00", "0.00")
    assert float(taken.average_fill_price) < 0.99 and float(taken.average_fee_paid) > 0

    fills = client.get_fills(order_id=taken.order_id).fills
    assert sum(float(f.count_fp) for f in fills) == 2
    assert all(f.is_taker and f.book_side == "bid" for f in fills)
    trades = client.get_trades(ticker=market.ticker, limit=1000).trades
    assert {f.trade_id for f in fills} <= {t.trade_id for t in trades}

    def position():
        rows = client.get_positions(ticker=market.ticker, count_filter="position").market_positions
        return next((row for row in rows if float(row.position_fp) > 0), None)

    assert float(wait_until(position).fees_paid_dollars) > 0
    assert client.get_positions(event_ticker=market.event_ticker).event_positions
    out = new_order(market, "ask", "0.0100", "2.00", time_in_force="immediate_or_cancel", reduce_only=True)
    assert client.create_order_v2(**out).fill_count == "2.00"


def test_a_resting_order_at_the_touch_is_filled(client, host, keys, market):
    now = client.get_market(market.ticker).market
    created = client.create_order_v2(**new_order(now, price=now.yes_bid_dollars, count="1.00"))
    # Another member sells through the whole level, so that the wait is not for the population's mood.
    other = next(key for key in keys.values() if key.id != client.kalshi_auth.key_id)
    taker = make_client(host, other)
    sell = new_order(now, "ask", now.yes_bid_dollars, "1500.00", time_in_force="immediate_or_cancel")
    assert taker.create_order_v2(**sell).order_id
    order = wait_until(
        lambda: (o := client.get_order(created.order_id).order).status == "executed" and o
    )
    assert order.fill_count_fp == "1.00"
    fill = client.get_fills(order_id=created.order_id).fills[0]
    assert fill.yes_price_dollars <= order.yes_price_dollars


def test_batches_and_cancel_all(client, market):
    orders = [new_order(market), new_order(market, price="2.0000")]
    created = client.batch_create_orders_v2(orders=orders).orders
    assert created[0].order_id and created[0].error is None
    assert created[1].error.code == "invalid_price"
    named = {"order_id": created[0].order_id, "market_ticker": market.ticker}
    canceled = client.batch_cancel_orders_v2(orders=[named, {"order_id": "none"}]).orders
    assert canceled[0].reduced_by == "10.00" and canceled[1].error.code == "not_found"
    client.create_order_v2(**new_order(market))
    client.cancel_all_orders()
    assert client.get_orders(status="resting").orders == []


def test_orders_and_fills_by_page(client, market):
    placed = {client.create_order_v2(**new_order(market, count="1")).order_id for _ in range(5)}
    seen, cursor = [], None
    while True:
        page = client.get_orders(limit=2, cursor=cursor, status="resting")
        seen += [o.order_id for o in page.orders]
        if not (cursor := page.cursor):
            break
    assert len(seen) == len(set(seen)) and placed <= set(seen)
    client.cancel_all_orders()
    assert client.get_fills(limit=1, min_ts=0).fills is not None
    assert client.get_settlements(limit=5).settlements == []


def test_refusals(client, market):
    mine = new_order(market)
    client.create_order_v2(**mine)
    for change, kind, code in [
        ({}, ConflictException, "order_already_exists"),
        ({"price": "0.000123"}, BadRequestException, "bad_request"),
        ({"count": "1000000.00", "price": "0.1500"}, BadRequestException, "insufficient_balance"),
        ({"ticker": "KXSIM-NONE"}, NotFoundException, "market_not_found"),
        ({"time_in_force": "fill_or_kill"}, ConflictException, "fill_or_kill_insufficient_resting_volume"),
        ({"price": "0.9900", "post_only": True}, BadRequestException, "post only cross"),
    ]:
        fresh = {"client_order_id": str(uuid.uuid4())} if change else {}
        with pytest.raises(kind) as refusal:
            client.create_order_v2(**mine | fresh | change)
        assert code in code_of(refusal)
    client.cancel_all_orders()


def test_accounts_are_apart_and_strangers_refused(host, keys, market):
    one, two = (make_client(host, keys[form]) for form in ("rsa-pkcs1", "rsa-pkcs8"))
    created = one.create_order_v2(**new_order(market))
    with pytest.raises(NotFoundException):
        two.get_order(created.order_id)
    with pytest.raises(NotFoundException):
        two.cancel_order_v2(created.order_id, exchange_index=market.exchange_index)
    one.cancel_all_orders()
    wrong = make_client(host, keys["rsa-pkcs1"])
    wrong.kalshi_auth.key_id = keys["rsa-pkcs8"].id
    with pytest.raises(UnauthorizedException) as refusal:
        wrong.get_balance()
    assert "INCORRECT_API_KEY_SIGNATURE" in refusal.value.body
    wrong.kalshi_auth.key_id = str(uuid.uuid4())
    with pytest.raises(UnauthorizedException) as refusal:
        wrong.get_balance()
    assert "NOT_FOUND" in refusal.value.body

"""An order's life: placed, seen, amended, decreased, filled, canceled, refused; alone and in batches."""

import uuid
from decimal import Decimal

from conftest import now, pages, wait_until
from orders import inside, new_order, taking, trade
from sdk import refused


def test_an_order_from_creation_to_cancel(client, market):
    shard = market.exchange_index
    created = client.create_order_v2(**new_order(market, client_order_id=(mine := str(uuid.uuid4()))))
    assert (created.fill_count, created.remaining_count) == ("0.00", "10.00")
    assert created.client_order_id == mine
    assert abs(created.ts_ms / 1000 - now(client)) < 60

    order = client.get_order(created.order_id).order
    assert (order.status, order.client_order_id, order.yes_price_dollars) == ("resting", mine, "0.0100")
    assert (order.no_price_dollars, order.outcome_side, order.book_side) == ("0.9900", "yes", "bid")
    assert order.self_trade_prevention_type == "taker_at_cross"
    assert client.get_order_queue_position(created.order_id).queue_position_fp
    queue = client.get_order_queue_positions(market_tickers=market.ticker).queue_positions
    assert created.order_id in {q.order_id for q in queue}
    queue = client.get_order_queue_positions(event_ticker=market.event_ticker).queue_positions
    assert created.order_id in {q.order_id for q in queue}

    amended = client.amend_order_v2(
        created.order_id, ticker=market.ticker, side="bid", price="0.0200", count="12.00", exchange_index=shard
    )
    assert amended.remaining_count in ("12.00", None)
    order = client.get_order(created.order_id).order
    assert (order.yes_price_dollars, order.remaining_count_fp) == ("0.0200", "12.00")
    decreased = client.decrease_order_v2(created.order_id, reduce_by="2.00", exchange_index=shard)
    assert decreased.remaining_count == "10.00"
    decreased = client.decrease_order_v2(created.order_id, reduce_to="4.50", market_ticker=market.ticker)
    assert decreased.remaining_count == "4.50"

    resting = client.get_orders(status="resting", ticker=market.ticker, limit=1000).orders
    assert created.order_id in {o.order_id for o in resting}
    canceled = client.cancel_order_v2(created.order_id, exchange_index=shard)
    assert canceled.reduced_by == "4.50"
    assert client.get_order(created.order_id).order.status == "canceled"
    assert created.order_id in {o.order_id for o in client.get_orders(status="canceled", limit=1000).orders}
    with refused(404, "not_found"):
        client.cancel_order_v2(created.order_id, market_ticker=market.ticker)


def test_an_order_with_all_it_may_say(client, market):
    mine, next_id = str(uuid.uuid4()), str(uuid.uuid4())
    expires = now(client) + 3600
    created = client.create_order_v2(
        **new_order(
            market, client_order_id=mine, expiration_time=expires, post_only=True, subaccount=0,
            cancel_order_on_pause=True, self_trade_prevention_type="maker",
        )
    )
    order = client.get_order(created.order_id).order
    assert int(order.expiration_time.timestamp()) == expires
    assert (order.cancel_order_on_pause, order.self_trade_prevention_type) == (True, "maker")
    assert order.subaccount_number in (0, None)
    later = expires + 60
    amended = client.amend_order_v2(
        created.order_id, subaccount=0, ticker=market.ticker, side="bid", price="0.0100", count="10.00",
        client_order_id=mine, updated_client_order_id=next_id, expiration_time=later, exchange_index=-1,
    )
    assert amended.client_order_id == next_id
    order = client.get_order(created.order_id).order
    assert (int(order.expiration_time.timestamp()), order.client_order_id) == (later, next_id)
    assert client.cancel_order_v2(created.order_id, subaccount=0, exchange_index=-1, market_ticker=market.ticker)


def test_an_order_with_only_what_it_must_say(client, market):
    least = {
        "ticker": market.ticker, "side": "ask", "price": "0.99", "count": "3",
        "time_in_force": "good_till_canceled", "self_trade_prevention_type": "taker_at_cross",
    }
    created = client.create_order_v2(**least)
    assert created.remaining_count == "3.00"
    order = client.get_order(created.order_id).order
    assert (order.yes_price_dollars, order.initial_count_fp) == ("0.9900", "3.00")
    assert (order.outcome_side, order.book_side) == ("no", "ask")
    assert order.exchange_index == market.exchange_index
    again = client.create_order_v2(**least)
    assert again.order_id != created.order_id


def test_an_order_that_expires(client, market):
    created = client.create_order_v2(**new_order(market, expiration_time=now(client) + 5))
    assert client.get_order(created.order_id).order.status == "resting"
    wait_until(lambda: client.get_order(created.order_id).order.status == "canceled")


def test_members_trade(client, other, market):
    price = inside(client, market)
    before = position(client, market)
    taken, resting = trade(client, other, market, "2.00", price)
    assert taken.remaining_count == "0.00" and taken.average_fill_price == price
    assert Decimal(taken.average_fee_paid) > 0

    (mine,) = client.get_fills(order_id=taken.order_id).fills
    (theirs,) = other.get_fills(order_id=resting.order_id).fills
    assert mine.trade_id == theirs.trade_id
    assert (mine.is_taker, theirs.is_taker) == (True, False)
    assert (mine.book_side, theirs.book_side) == ("bid", "ask")
    assert mine.yes_price_dollars == theirs.yes_price_dollars == price
    assert Decimal(mine.fee_cost) > 0
    order = other.get_order(resting.order_id).order
    assert (order.status, order.fill_count_fp, order.remaining_count_fp) == ("executed", "2.00", "0.00")
    assert order.order_id in {o.order_id for o in other.get_orders(status="executed", limit=1000).orders}
    assert position(client, market) == before + 2
    row = client.get_positions(ticker=market.ticker).market_positions[0]
    assert Decimal(row.fees_paid_dollars) > 0 and Decimal(row.total_traded_dollars) > 0
    assert client.get_positions(event_ticker=market.event_ticker, count_filter="position").event_positions
    out = new_order(market, "ask", "0.0100", "2.00", **taking(reduce_only=True))
    assert client.create_order_v2(**out).fill_count == "2.00"
    assert position(client, market) == before


def position(client, market):
    rows = client.get_positions(ticker=market.ticker).market_positions
    return sum(Decimal(row.position_fp) for row in rows)


def test_queue_positions_count_what_is_ahead(client, other, market):
    price = inside(client, market)
    first = other.create_order_v2(**new_order(market, price=price, count="5.00"))
    second = client.create_order_v2(**new_order(market, price=price, count="1.00"))
    assert other.get_order_queue_position(first.order_id).queue_position_fp == "0.00"
    assert client.get_order_queue_position(second.order_id).queue_position_fp == "5.00"
    (row,) = client.get_order_queue_positions(market_tickers=market.ticker, subaccount=0).queue_positions
    assert (row.order_id, row.market_ticker, row.queue_position_fp) == (second.order_id, market.ticker, "5.00")


def test_immediate_orders(client, other, market):
    price = inside(client, market)
    nothing = client.create_order_v2(**new_order(market, price=price, **taking()))
    assert (nothing.fill_count, nothing.remaining_count) == ("0.00", "0.00")
    other.create_order_v2(**new_order(market, "ask", price, "3.00"))
    killed = new_order(market, price=price, count="4.00", time_in_force="fill_or_kill")
    with refused(409, "fill_or_kill_insufficient_resting_volume"):
        client.create_order_v2(**killed)
    with refused(409, "order_already_exists"):
        client.create_order_v2(**killed)
    filled = client.create_order_v2(**new_order(market, price=price, count="3.00", time_in_force="fill_or_kill"))
    assert filled.fill_count == "3.00"


def test_an_amend_may_fill(client, other, market):
    price = inside(client, market)
    other.create_order_v2(**new_order(market, "ask", price, "1.00"))
    created = client.create_order_v2(**new_order(market, count="1.00"))
    amended = client.amend_order_v2(
        created.order_id, ticker=market.ticker, side="bid", price=price, count="1.00",
        exchange_index=market.exchange_index,
    )
    assert amended.fill_count == "1.00" and amended.average_fill_price == price
    assert client.get_order(created.order_id).order.status == "executed"


def test_self_trades_are_prevented(client, market):
    price = inside(client, market)
    resting = client.create_order_v2(**new_order(market, "ask", price))
    stopped = client.create_order_v2(**new_order(market, "bid", price, self_trade_prevention_type="taker_at_cross"))
    assert (stopped.fill_count, stopped.remaining_count) == ("0.00", "0.00")
    assert client.get_order(resting.order_id).order.status == "resting"
    passed = client.create_order_v2(**new_order(market, "bid", price, self_trade_prevention_type="maker"))
    assert passed.remaining_count == "10.00"
    assert client.get_order(resting.order_id).order.status == "canceled"


def test_batches_and_cancel_all(client, market):
    orders = [new_order(market), new_order(market, price="2.0000")]
    created = client.batch_create_orders_v2(orders=orders).orders
    assert created[0].order_id and created[0].error is None
    assert created[1].error.code == "invalid_price" and created[1].order_id is None
    named = {"order_id": created[0].order_id, "market_ticker": market.ticker}
    canceled = client.batch_cancel_orders_v2(orders=[named, {"order_id": "none"}]).orders
    assert canceled[0].reduced_by == "10.00" and canceled[0].error is None
    assert canceled[1].error.code == "not_found"
    client.create_order_v2(**new_order(market))
    client.cancel_all_orders(subaccount=0)
    assert client.get_orders(status="resting").orders == []


def test_orders_and_fills_by_page(client, other, market):
    placed = {client.create_order_v2(**new_order(market, count="1")).order_id for _ in range(5)}
    rows = pages(client.get_orders, "orders", limit=2, status="resting")
    seen = [o.order_id for o in rows]
    assert len(seen) == len(set(seen)) and placed <= set(seen)
    times = [o.created_time for o in rows]
    assert times == sorted(times, reverse=True)
    for _ in range(3):
        trade(client, other, market, "1.00")
    fills = pages(client.get_fills, "fills", limit=1, ticker=market.ticker, min_ts=0, subaccount=0)
    assert len({f.fill_id for f in fills}) == len(fills) >= 3
    assert client.get_fills(max_ts=1).fills == [] and client.get_orders(max_ts=1).orders == []
    shard = market.exchange_index
    assert {o.exchange_index for o in client.get_orders(exchange_index=shard, event_ticker=market.event_ticker).orders} == {shard}
    assert client.get_orders(exchange_index=(shard + 1) % 4, ticker=market.ticker).orders == []
    assert client.get_fills(exchange_index=(shard + 1) % 4, ticker=market.ticker).fills == []


def test_refusals(client, market):
    mine = new_order(market)
    client.create_order_v2(**mine)
    for change, status, code in [
        ({}, 409, "order_already_exists"),
        ({"price": "0.000123"}, 400, "bad_request"),
        ({"price": "0.0101"}, 400, "invalid_price"),
        ({"count": "0.00"}, 400, "invalid_order"),
        ({"count": "1000000.00", "price": "0.1500"}, 400, "insufficient_balance"),
        ({"ticker": "KXSIM-NONE"}, 404, "market_not_found"),
        ({"time_in_force": "fill_or_kill"}, 409, "fill_or_kill_insufficient_resting_volume"),
        ({"price": "0.9900", "post_only": True}, 400, "post only cross"),
        ({"expiration_time": 1}, 400, "expiration"),
    ]:
        fresh = {"client_order_id": str(uuid.uuid4())} if change else {}
        if change.get("price") == "0.0101" and market.price_level_structure != "linear_cent":
            continue
        with refused(status, code):
            client.create_order_v2(**mine | fresh | change)
    with refused(400):
        client.get_orders(status="open")
    with refused(400):
        client.decrease_order_v2("none", reduce_by="1.00", reduce_to="1.00", exchange_index=0)


def test_numbers_are_refused_where_texts_are_asked_for(client, market):
    for change in ({"price": 0.01}, {"count": 10}, {"side": "yes"}, {"time_in_force": "gtt"}):
        status, body = client.raw("POST", "/portfolio/events/orders", new_order(market) | change)
        assert status == 400 and "bad_request" in str(body), body
    for name in ("ticker", "side", "count", "price", "time_in_force", "self_trade_prevention_type"):
        order = new_order(market)
        del order[name]
        status, body = client.raw("POST", "/portfolio/events/orders", order)
        assert status == 400 and "error" in body or "code" in body, (name, body)


def test_the_first_interface_is_gone(client, market):
    for method, path in [
        ("POST", "/portfolio/orders"),
        ("POST", "/portfolio/orders/batched"),
        ("DELETE", "/portfolio/orders/batched"),
        ("DELETE", "/portfolio/orders/one"),
        ("POST", "/portfolio/orders/one/amend"),
        ("POST", "/portfolio/orders/one/decrease"),
    ]:
        status, body = client.raw(method, path, {})
        assert (status, body["error"]["code"]) == (410, "deprecated_v1_order_endpoint")


def test_accounts_are_apart(client, other, market):
    created = client.create_order_v2(**new_order(market))
    with refused(404):
        other.get_order(created.order_id)
    with refused(404):
        other.get_order_queue_position(created.order_id)
    with refused(404):
        other.cancel_order_v2(created.order_id, exchange_index=market.exchange_index)
    with refused(404):
        other.decrease_order_v2(created.order_id, reduce_by="1.00", exchange_index=market.exchange_index)
    assert created.order_id not in {o.order_id for o in other.get_orders().orders}

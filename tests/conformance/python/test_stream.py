"""The WebSocket: signing, every command, every channel that one can cause messages on, every code one can cause."""

import uuid
from decimal import Decimal

import pytest
from exchange import FORMS
from orders import inside, new_order, trade
from sdk import Sdk
from stream import Stream, refused_upgrade

MISTAKES = [
    ("{", 1),
    ("[]", 1),
    ({"id": "one", "cmd": "list_subscriptions"}, 1),
    ({"cmd": "subscribe", "params": {"channels": "ticker"}}, 1),
    ({"cmd": "subscribe"}, 2),
    ({"cmd": "subscribe", "params": {}}, 3),
    ({"cmd": "subscribe", "params": {"channels": []}}, 3),
    ({"cmd": "unsubscribe", "params": {}}, 4),
    ({"cmd": "dance", "params": {}}, 5),
    ({"params": {}}, 5),
    ({"cmd": "unsubscribe", "params": {"sids": [99]}}, 7),
    ({"cmd": "subscribe", "params": {"channels": ["nope"]}}, 8),
    ({"cmd": "subscribe", "params": {"channels": ["trade"], "market_ticker": "A", "market_tickers": ["B"]}}, 11),
    ({"cmd": "subscribe", "params": {"channels": ["ticker"], "market_id": "not-a-uuid"}}, 11),
    ({"cmd": "update_subscription", "params": {"sids": [1, 2], "action": "add_markets"}}, 12),
    ({"cmd": "update_subscription", "params": {"action": "add_markets"}}, 12),
    ({"cmd": "update_subscription", "params": {"sid": 1, "action": "dance"}}, 13),
    ({"cmd": "subscribe", "params": {"channels": ["orderbook_delta"]}}, 14),
    ({"cmd": "update_subscription", "params": {"sid": 1, "action": "add_markets"}}, 14),
    ({"cmd": "update_subscription", "params": {"sid": 1}}, 15),
    ({"cmd": "subscribe", "params": {"channels": ["communications"], "shard_factor": 0, "shard_key": 0}}, 19),
    ({"cmd": "subscribe", "params": {"channels": ["communications"], "shard_key": 0}}, 20),
    ({"cmd": "subscribe", "params": {"channels": ["communications"], "shard_factor": 2, "shard_key": 2}}, 21),
    ({"cmd": "subscribe", "params": {"channels": ["communications"], "shard_factor": 101, "shard_key": 0}}, 22),
]


@pytest.fixture(scope="session")
def pair(observers):
    """Returns two members: what a socket does has nothing to do with the SDK."""
    return observers


@pytest.fixture
def stream(address, client):
    with Stream(address, client) as stream:
        yield stream


def test_every_form_of_key_signs_the_upgrade(address, keys):
    for form in FORMS:
        client = Sdk("kalshi_python_sync", keys[("kalshi_python_sync", form), "A"], f"http://{address}/trade-api/v2")
        with Stream(address, client) as stream:
            assert stream.command("list_subscriptions")[0]["msg"] == []


def test_the_upgrade_must_be_signed(address, client, other):
    assert refused_upgrade(address, {})[0] == 401
    headers = client.client.kalshi_auth.create_auth_headers("GET", "/trade-api/ws/v2")
    wrong = headers | {"KALSHI-ACCESS-KEY": other.key.id}
    assert refused_upgrade(address, wrong)[0] == 401
    assert refused_upgrade(address, headers | {"KALSHI-ACCESS-TIMESTAMP": "1"})[0] == 401


@pytest.mark.parametrize("message, code", MISTAKES, ids=[f"{code}-{n}" for n, (_, code) in enumerate(MISTAKES)])
def test_each_mistake_has_its_code(stream, market, message, code):
    stream.subscribe("ticker", market_ticker=market.ticker)
    if isinstance(message, dict) and "id" not in message:
        message = {"id": 77} | message
    stream.tell(message)
    answer = stream.take(lambda frame: frame["type"] in ("error", "subscribed"))
    assert answer["msg"]["code"] == code, answer
    assert answer["msg"]["msg"] and answer.get("id") in (77, None)
    assert stream.command("list_subscriptions")[0]["msg"] == [{"channel": "ticker", "sid": 1}]


def test_the_book_follows_orders(stream, client, market):
    stream.subscribe("orderbook_delta", market_tickers=[market.ticker], use_yes_price=False)
    snapshot = stream.take("orderbook_snapshot")["msg"]
    book = client.get_market_orderbook(market.ticker).orderbook_fp
    assert (snapshot["yes_dollars_fp"], snapshot["no_dollars_fp"]) == (book.yes_dollars, book.no_dollars)
    mine = str(uuid.uuid4())
    created = client.create_order_v2(**new_order(market, price="0.0300", count="4.00", client_order_id=mine))
    delta = stream.take("orderbook_delta")["msg"]
    assert (delta["price_dollars"], delta["delta_fp"], delta["side"]) == ("0.0300", "4.00", "yes")
    assert (delta["client_order_id"], delta["subaccount"]) == (mine, 0)
    assert delta["clock"] > snapshot["clock"]
    client.create_order_v2(**new_order(market, "ask", "0.9800", "1.00"))
    delta = stream.take("orderbook_delta")["msg"]
    assert (delta["price_dollars"], delta["side"]) == ("0.0200", "no")
    client.cancel_order_v2(created.order_id, exchange_index=market.exchange_index)
    assert stream.take("orderbook_delta")["msg"]["delta_fp"] == "-4.00"


def test_a_book_in_yes_prices(stream, client, market):
    stream.subscribe("orderbook_delta", market_ticker=market.ticker, use_yes_price=True)
    stream.take("orderbook_snapshot")
    client.create_order_v2(**new_order(market, "ask", "0.9800", "1.00"))
    assert stream.take("orderbook_delta")["msg"]["price_dollars"] == "0.9800"


def test_markets_join_and_leave_a_subscription(stream, client, markets):
    one, two, three = markets[:3]
    sid = stream.subscribe("orderbook_delta", market_tickers=[one.ticker])
    (joined,) = stream.command(
        "update_subscription", {"sids": [sid], "action": "add_markets", "market_tickers": [two.ticker, three.ticker]}
    )
    assert set(joined["msg"]["market_tickers"]) == {one.ticker, two.ticker, three.ticker}
    seen = {stream.take("orderbook_snapshot")["msg"]["market_ticker"] for _ in range(3)}
    assert seen == {one.ticker, two.ticker, three.ticker}
    (left,) = stream.command(
        "update_subscription", {"sid": sid, "action": "delete_markets", "market_ticker": two.ticker}
    )
    assert set(left["msg"]["market_tickers"]) == {one.ticker, three.ticker}
    (again,) = stream.command(
        "update_subscription", {"sid": sid, "action": "get_snapshot", "market_tickers": [three.ticker]}
    )
    assert (again["type"], again["msg"]["market_ticker"]) == ("orderbook_snapshot", three.ticker)
    client.create_order_v2(**new_order(two))
    assert stream.quiet() == []
    (gone,) = stream.command("unsubscribe", {"sids": [sid]})
    assert (gone["type"], gone["sid"]) == ("unsubscribed", sid)
    assert stream.command("list_subscriptions")[0]["msg"] == []


def test_a_second_subscribe_merges(stream, markets):
    one, two = markets[:2]
    first = stream.subscribe("trade", market_ticker=one.ticker)
    stream.command("subscribe", {"channels": ["trade"], "market_ticker": two.ticker})
    assert stream.command("list_subscriptions")[0]["msg"] == [{"channel": "trade", "sid": first}]


def test_tickers_by_id_and_with_snapshot(stream, client, other, market):
    sid = stream.subscribe("ticker", market_ticker=market.ticker, send_initial_snapshot=True, skip_ticker_ack=True)
    first = stream.take("ticker")["msg"]
    assert first["market_ticker"] == market.ticker
    trade(client, other, market, "1.00")
    later = stream.take(lambda f: f["type"] == "ticker" and f["msg"]["volume_fp"] != first["volume_fp"])["msg"]
    assert Decimal(later["volume_fp"]) - Decimal(first["volume_fp"]) == 1
    (ok,) = stream.command(
        "update_subscription", {"sid": sid, "action": "delete_markets", "market_ticker": market.ticker}
    )
    assert ok["type"] == "ok" and "market_tickers" not in ok.get("msg", {})
    stream.command("unsubscribe", {"sids": [sid]})
    stream.quiet()
    stream.subscribe("ticker", market_ids=[first["market_id"]], send_initial_snapshot=True)
    assert stream.take("ticker")["msg"]["market_ticker"] == market.ticker


def test_a_trade_reaches_every_channel(stream, address, client, other, market):
    sids = stream.subscribe("trade", "fill", "user_orders", "market_positions")
    assert sorted(sids.values()) == [1, 2, 3, 4]
    taken, resting = trade(client, other, market, "3.00")
    fill = stream.take("fill")["msg"]
    (row,) = client.get_fills(order_id=taken.order_id).fills
    assert (fill["trade_id"], fill["order_id"], fill["count_fp"]) == (row.trade_id, taken.order_id, "3.00")
    assert fill["yes_price_dollars"] == row.yes_price_dollars and Decimal(fill["fee_cost"]) == Decimal(row.fee_cost)
    assert (fill["is_taker"], fill["book_side"], fill["outcome_side"]) == (True, "bid", "yes")
    print_ = stream.take(lambda f: f["type"] == "trade" and f["msg"]["trade_id"] == row.trade_id)["msg"]
    assert (print_["taker_book_side"], print_["is_block_trade"]) == ("bid", False)
    order = stream.take(lambda f: f["type"] == "user_order" and f["msg"]["order_id"] == taken.order_id)["msg"]
    assert order["status"] == "executed" and order["fill_count_fp"] == "3.00"
    position = stream.take("market_position")["msg"]
    held = client.get_positions(ticker=market.ticker).market_positions[0]
    assert position["position_fp"] == held.position_fp == fill["post_position_fp"]
    assert resting.order_id not in str(stream.quiet())


def test_an_order_on_the_channel_of_orders(stream, client, market):
    stream.subscribe("user_orders", market_tickers=[market.ticker])
    created = client.create_order_v2(**new_order(market))
    order = stream.take("user_order")["msg"]
    assert (order["order_id"], order["status"], order["remaining_count_fp"]) == (created.order_id, "resting", "10.00")
    client.decrease_order_v2(created.order_id, reduce_to="4.00", exchange_index=market.exchange_index)
    order = stream.take("user_order")["msg"]
    assert (order["remaining_count_fp"], order["last_update_reason"]) == ("4.00", "Decrease")
    client.amend_order_v2(
        created.order_id, ticker=market.ticker, side="bid", price="0.0200", count="4.00",
        exchange_index=market.exchange_index,
    )
    order = stream.take("user_order")["msg"]
    assert (order["yes_price_dollars"], order["last_update_reason"]) == ("0.0200", "Amend")
    client.cancel_all_orders()
    assert stream.take("user_order")["msg"]["status"] == "canceled"


def test_groups_on_their_channel(stream, client, market):
    stream.subscribe("order_group_updates")
    shard = market.exchange_index
    group = client.create_order_group(contracts_limit_fp="5.00", exchange_index=shard).order_group_id
    client.update_order_group_limit(group, exchange_index=shard, contracts_limit_fp="6.00")
    client.trigger_order_group(group, exchange_index=shard, body={})
    client.reset_order_group(group, exchange_index=shard, body={})
    client.delete_order_group(group, exchange_index=shard)
    frames = [stream.take("order_group_updates")["msg"] for _ in range(5)]
    assert [f["event_type"] for f in frames] == ["created", "limit_updated", "triggered", "reset", "deleted"]
    assert {f["order_group_id"] for f in frames} == {group}
    assert frames[1]["contracts_limit_fp"] == "6.00"


def test_communications_on_their_channel(stream, address, client, other, market):
    with Stream(address, other) as theirs:
        stream.subscribe("communications", user_filter="self")
        theirs.subscribe("communications", shard_factor=1, shard_key=0)
        ask = {"market_ticker": market.ticker, "contracts_fp": "10.00", "rest_remainder": False, "replace_existing": True}
        rfq = client.create_rfq(**ask).id
        assert stream.take("rfq_created")["msg"]["id"] == rfq
        assert theirs.take(lambda f: f["type"] == "rfq_created" and f["msg"]["id"] == rfq)
        made = other.create_quote(rfq_id=rfq, yes_bid="0.4000", no_bid="0.5000", rest_remainder=False).id
        for side in (stream, theirs):
            assert side.take("quote_created")["msg"]["quote_id"] == made
        client.accept_rfq_quote(rfq, made, accepted_side="yes")
        for side in (stream, theirs):
            assert side.take("quote_accepted")["msg"]["accepted_side"] == "yes"
        other.confirm_rfq_quote(rfq, made, body={})
        for side in (stream, theirs):
            assert side.take("quote_executed")["msg"]["quote_id"] == made
        assert stream.take("rfq_deleted")["msg"]["id"] == rfq


def test_combos_on_their_channel(stream, client):
    from test_multivariate import legs

    stream.subscribe("multivariate_market_lifecycle")
    collection = client.get_multivariate_event_collections(status="open").multivariate_contracts[0]
    chosen = [leg | {"side": "no"} for leg in legs(client, collection)]
    made = client.create_market_in_multivariate_event_collection(collection.collection_ticker, selected_markets=chosen)
    first = stream.quiet()
    assert all(made.event_ticker in str(frame) for frame in first)


def test_every_connection_counts_for_itself(address, client, other, market):
    with Stream(address, client) as one, Stream(address, client, compression=None) as two:
        for stream in (one, two):
            assert stream.subscribe("orderbook_delta", market_ticker=market.ticker) == 1
            stream.take("orderbook_snapshot")
        price = inside(client, market)
        client.create_order_v2(**new_order(market, price=price))
        first, second = one.take("orderbook_delta"), two.take("orderbook_delta")
        assert first["seq"] == second["seq"] and first["msg"] == second["msg"]
        one.socket.ping().wait(5)

"""What is odd but allowed, and what is nearly right and is not: spellings, orders of parameters, limits of values."""

import http.client
import json
import uuid

import pytest
from orders import inside, new_order, taking
from sdk import refused

BASE = "/trade-api/v2"


@pytest.fixture(scope="session")
def pair(observers):
    """Returns two members: none of this has to do with the SDK."""
    return observers


@pytest.fixture
def send(address, client):
    """Returns a function that sends a signed request exactly as it is written."""

    def send(method, target, body=None, **headers):
        signed = client.client.kalshi_auth.create_auth_headers(method, target)
        connection = http.client.HTTPConnection(address, timeout=20)
        connection.request(method, target, body, signed | headers)
        response = connection.getresponse()
        text = response.read().decode()
        return response, json.loads(text) if text else None

    return send


def test_parameters_in_any_order(send, market):
    query = ["limit=3", "status=open", f"event_ticker={market.event_ticker}", "cursor="]
    answers = [send("GET", f"{BASE}/markets?{'&'.join(q)}")[1]["markets"] for q in (query, query[::-1])]
    assert answers[0] == answers[1] and answers[0]


def test_lists_repeated_or_between_commas(send, markets):
    one, two = (m.ticker for m in markets[:2])
    for query in (f"tickers={one}&tickers={two}", f"tickers={one},{two}", f"tickers={one}%2C{two}"):
        assert len(send("GET", f"{BASE}/markets/orderbooks?{query}")[1]["orderbooks"]) == 2
    assert len(send("GET", f"{BASE}/markets?tickers={one},{two}")[1]["markets"]) == 2


def test_a_slash_at_the_end_leads_on(send):
    response, _ = send("GET", f"{BASE}/portfolio/orders/?limit=1")
    assert response.status == 301 and response.getheader("location") == f"{BASE}/portfolio/orders?limit=1"


def test_a_cursor_that_is_none(client):
    first = client.get_markets(limit=3).markets
    assert client.get_markets(limit=3, cursor="garbage").markets == first


def test_limits_at_their_ends(client):
    for limit, status in ((1, 200), (1000, 200), (1001, 400), (-1, 400), ("many", 400)):
        for path in ("/markets", "/portfolio/orders", "/portfolio/fills", "/portfolio/positions", "/portfolio/settlements"):
            assert client.raw("GET", path, query={"limit": limit})[0] == status, (path, limit)


def test_a_body_without_a_type(send, market):
    response, created = send("POST", f"{BASE}/portfolio/events/orders", json.dumps(new_order(market)))
    assert response.status == 201 and created["remaining_count"] == "10.00"


@pytest.mark.parametrize("price", ["0.01", "0.010", "0.0100"])
@pytest.mark.parametrize("count", ["1", "1.5", "1.50"])
def test_numbers_in_every_spelling(client, market, price, count):
    created = client.create_order_v2(**new_order(market, price=price, count=count))
    order = client.get_order(created.order_id).order
    assert order.yes_price_dollars == "0.0100" and order.initial_count_fp in ("1.00", "1.50")


@pytest.mark.parametrize(
    "change",
    [
        {"price": "-0.01"}, {"price": "1e-2"}, {"price": "0"}, {"price": "1.00"}, {"price": ""},
        {"count": "1.001"}, {"count": "-1"}, {"count": "1e1"}, {"count": ""}, {"count": "0"},
        {"side": "BID"}, {"time_in_force": "GTC"}, {"self_trade_prevention_type": "none"},
        {"subaccount": 64}, {"subaccount": -1}, {"exchange_index": -2}, {"exchange_index": "0"},
        {"expiration_time": "soon"}, {"post_only": "yes"}, {"order_group_id": 7}, {"client_order_id": 7},
        {"reduce_only": True}, {"post_only": True, "time_in_force": "immediate_or_cancel"},
    ],
    ids=str,
)
def test_orders_that_are_nearly_right(client, market, change):
    status, body = client.raw("POST", "/portfolio/events/orders", new_order(market) | change)
    assert status == 400 or "subaccount" in change and status == 404, body
    assert (body.get("error") or body)["code"] and (body.get("error") or body)["message"]
    assert client.get_orders(status="resting").orders == []


def test_an_end_and_at_once_exclude_each_other(client, market):
    with refused(400):
        client.create_order_v2(**new_order(market, expiration_time=4_000_000_000, **taking()))


def test_ids_of_every_kind(client, market):
    for mine in ("a", "x" * 64, "mit Umlaut äöü €", str(uuid.uuid4()), "with/slash?and=more"):
        created = client.create_order_v2(**new_order(market, client_order_id=mine + str(uuid.uuid4())[: 64 - len(mine)]))
        assert client.get_order(created.order_id).order.client_order_id.startswith(mine)


def test_nothing_set_is_as_nothing_said(client, market):
    nothing = dict.fromkeys(("expiration_time", "order_group_id", "subaccount", "post_only", "reduce_only"))
    status, body = client.raw("POST", "/portfolio/events/orders", new_order(market) | nothing)
    assert status == 201, body


def test_a_field_that_nobody_knows(client, market):
    status, body = client.raw("POST", "/portfolio/events/orders", new_order(market) | {"yes_price": 1, "type": "limit"})
    assert status == 201, body


def test_another_shard_is_not_the_markets(client, market):
    wrong = (market.exchange_index + 1) % 4
    with refused((400, 404)):
        client.create_order_v2(**new_order(market, exchange_index=wrong))
    created = client.create_order_v2(**new_order(market, exchange_index=-1))
    with refused(404):
        client.cancel_order_v2(created.order_id, exchange_index=wrong)
    assert client.cancel_order_v2(created.order_id, exchange_index=-1, market_ticker=market.ticker)


def test_an_amend_must_fit_its_order(client, markets, market):
    mine = str(uuid.uuid4())
    created = client.create_order_v2(**new_order(market, client_order_id=mine))
    right = {"ticker": market.ticker, "side": "bid", "price": "0.0200", "count": "5.00", "exchange_index": market.exchange_index}
    for change, code in [
        ({"side": "ask"}, "order_side_mismatch"),
        ({"ticker": next(m.ticker for m in markets if m.exchange_index == market.exchange_index and m.ticker != market.ticker)}, "order_ticker_mismatch"),
        ({"client_order_id": "other"}, "order_id_and_client_order_id_mismatch"),
        ({"count": "0.00"}, "invalid_order_size"),
        ({"price": "1.5000"}, "invalid_price"),
    ]:
        with refused(400, code):
            client.amend_order_v2(created.order_id, **right | change)
    assert client.get_order(created.order_id).order.yes_price_dollars == "0.0100"
    with refused(400):
        client.decrease_order_v2(created.order_id, reduce_to="11.00", exchange_index=market.exchange_index)
    taken = client.decrease_order_v2(created.order_id, reduce_to="0.00", exchange_index=market.exchange_index)
    assert taken.remaining_count == "0.00"
    assert client.get_order(created.order_id).order.status == "canceled"


def test_only_whole_cents_of_the_grid(client, markets):
    seen = set()
    for market in markets:
        if market.price_level_structure in seen:
            continue
        seen.add(market.price_level_structure)
        for row in market.price_ranges:
            between = float(row.start) + 1.5 * float(row.step)
            with refused(400, "invalid_price") if len(f"{between:.6f}".rstrip("0")) <= 6 else refused(400):
                client.create_order_v2(**new_order(market, price=f"{between:.6f}".rstrip("0")))
    assert len(seen) >= 2 and inside(client, markets[0])

"""What only time brings: pauses, the end of a market, its settlement and payout."""

from decimal import Decimal

import pytest
from conftest import wait_until
from orders import inside, new_order, trade
from sdk import refused
from stream import Stream


@pytest.fixture
def ending(client, markets):
    """Returns a market that no other test needs."""
    return markets[-1 - client.number]


@pytest.fixture
def pausing(client, markets):
    """Returns a market that is not traded: its book does not outlive the pause."""
    return markets[7 + client.number % 3]


def cash(client, market):
    return Decimal(client.get_balance(exchange_index=market.exchange_index).balance_dollars)


def status(client, market):
    return client.get_market(market.ticker).market.status


def test_a_market_pauses_and_goes_on(client, control, pausing):
    kept = client.create_order_v2(**new_order(pausing))
    control(f"markets/{pausing.ticker}", action="pause")
    assert status(client, pausing) == "inactive"
    assert pausing.ticker in {m.ticker for m in client.get_markets(status="paused").markets}
    with refused(400):
        client.create_order_v2(**new_order(pausing))
    control(f"markets/{pausing.ticker}", action="resume")
    wait_until(lambda: status(client, pausing) == "active")
    assert client.get_order(kept.order_id).order.status == "canceled"


def test_trading_pauses(client, control, market):
    kept = client.create_order_v2(**new_order(market))
    gone = client.create_order_v2(**new_order(market, cancel_order_on_pause=True))
    control("trading", paused=True)
    try:
        assert not client.get_exchange_status().trading_active
        with refused(409, "trading_is_paused"):
            client.create_order_v2(**new_order(market))
        assert client.get_order(gone.order_id).order.status == "canceled"
        assert client.cancel_order_v2(kept.order_id, exchange_index=market.exchange_index).reduced_by == "10.00"
    finally:
        control("trading", paused=False)
    assert client.get_exchange_status().trading_active


def test_a_market_settles_and_pays(client, other, control, address, ending):
    price = inside(client, ending)
    trade(client, other, ending, "10.00", price)
    rest = client.create_order_v2(**new_order(ending))
    before = cash(client, ending), cash(other, ending)
    with Stream(address, client) as stream:
        stream.subscribe("market_lifecycle_v2")
        stream.subscribe("user_orders")
        control(f"markets/{ending.ticker}", action="settle", result="yes")
        mine = lambda kind: lambda f: f["msg"].get("market_ticker") == ending.ticker and f["msg"].get("event_type") == kind
        determined = stream.take(mine("determined"))["msg"]
        assert (determined["result"], determined["settlement_value"]) == ("yes", "1.0000")
        assert stream.take(mine("settled"))["msg"]["settled_ts"]
        canceled = stream.take("user_order")["msg"]
        assert (canceled["order_id"], canceled["status"]) == (rest.order_id, "canceled")
    now = client.get_market(ending.ticker).market
    assert (now.status, now.result, now.settlement_value_dollars) == ("finalized", "yes", "1.0000")
    assert ending.ticker in {m.ticker for m in client.get_markets(status="settled", limit=1000).markets}
    wait_until(lambda: cash(client, ending) != before[0])
    assert (cash(client, ending) - before[0], cash(other, ending) - before[1]) == (10, 0)
    (row,) = client.get_settlements(ticker=ending.ticker).settlements
    assert (row.market_result, row.yes_count_fp, row.revenue, row.value) == ("yes", "10.00", 1000, 100)
    assert Decimal(row.yes_total_cost_dollars) == 10 * Decimal(price)
    (row,) = other.get_settlements(event_ticker=ending.event_ticker).settlements
    assert (row.no_count_fp, row.revenue) == ("10.00", 0)
    held = client.get_positions(ticker=ending.ticker, settlement_status="unsettled").market_positions
    assert not held
    with refused(400):
        client.create_order_v2(**new_order(ending))

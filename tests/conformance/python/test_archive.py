"""How orders, fills and trades move from the living lists to the archive."""

import pytest
from conftest import pages, wait_until
from orders import new_order, trade


@pytest.fixture(scope="session")
def pair(observers):
    """Returns two members: it takes a while, and once is enough."""
    return observers


def test_what_is_over_moves_to_the_archive(client, other, market):
    taken, resting = trade(client, other, market)
    (fill,) = client.get_fills(order_id=taken.order_id).fills
    assert fill.fill_id not in {f.fill_id for f in client.get_fills_historical(ticker=market.ticker).fills}
    rests = client.create_order_v2(**new_order(market))

    def archived():
        return fill.fill_id in {f.fill_id for f in client.get_fills_historical(ticker=market.ticker, limit=1000).fills}

    wait_until(archived)
    assert client.get_fills(order_id=taken.order_id).fills == []
    for member, order in ((client, taken), (other, resting)):
        rows = wait_until(lambda: member.get_historical_orders(ticker=market.ticker, limit=1000).orders)
        assert order.order_id in {o.order_id for o in rows}
        assert order.order_id not in {o.order_id for o in pages(member.get_orders, "orders", ticker=market.ticker)}
    assert fill.trade_id in {t.trade_id for t in pages(client.get_trades_historical, "trades", ticker=market.ticker)}
    assert fill.trade_id not in {t.trade_id for t in pages(client.get_trades, "trades", ticker=market.ticker)}
    assert rests.order_id in {o.order_id for o in client.get_orders(status="resting").orders}
    held = {row.ticker for row in client.get_positions().market_positions}
    assert market.ticker in held

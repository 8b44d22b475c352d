"""Candlesticks of markets and events."""

from decimal import Decimal

import pytest
from conftest import now
from orders import trade
from sdk import refused


def span(client):
    return {"start_ts": now(client) - 3600, "end_ts": now(client) + 60}


def prices(side):
    return [Decimal(side.low_dollars), Decimal(side.open_dollars), Decimal(side.close_dollars), Decimal(side.high_dollars)]


def check(candles):
    ends = [c.end_period_ts for c in candles]
    assert ends == sorted(set(ends)) and all(end % 60 == 0 for end in ends)
    for candle in candles:
        for side in (candle.yes_bid, candle.yes_ask):
            low, opened, closed, high = prices(side)
            assert low <= min(opened, closed) <= max(opened, closed) <= high


def test_a_trade_makes_a_candle(client, other, market):
    taken, _ = trade(client, other, market, "4.00")
    series = market.event_ticker.split("-")[0]
    reply = client.get_market_candlesticks(series, market.ticker, period_interval=1, **span(client))
    assert reply.ticker == market.ticker
    check(reply.candlesticks)
    traded = [c for c in reply.candlesticks if Decimal(c.volume_fp) >= 4]
    assert traded and Decimal(traded[-1].open_interest_fp) > 0
    price = traded[-1].price
    assert Decimal(price.low_dollars) <= Decimal(taken.average_fill_price) <= Decimal(price.high_dollars)


@pytest.mark.parametrize("minutes", [1, 60, 1440])
def test_every_period(client, market, minutes):
    series = market.event_ticker.split("-")[0]
    reply = client.get_market_candlesticks(
        series, market.ticker, period_interval=minutes, include_latest_before_start=True, **span(client)
    )
    check(reply.candlesticks)
    with refused(400):
        # The model of the SDK refuses other periods by itself.
        client.raw_checked("GET", f"/series/{series}/markets/{market.ticker}/candlesticks",
                           query=span(client) | {"period_interval": 7})


def test_candles_of_several_markets(client, markets):
    tickers = [m.ticker for m in markets[:3]]
    reply = client.batch_get_market_candlesticks(
        market_tickers=",".join(tickers), period_interval=60, include_latest_before_start=False, **span(client)
    )
    assert {m.market_ticker for m in reply.markets} == set(tickers)
    for row in reply.markets:
        check(row.candlesticks)


def test_candles_of_an_event(client, market):
    series = market.event_ticker.split("-")[0]
    reply = client.get_market_candlesticks_by_event(market.event_ticker, series, period_interval=60, **span(client))
    assert market.ticker in reply.market_tickers
    assert len(reply.market_candlesticks) == len(reply.market_tickers)
    for candles in reply.market_candlesticks:
        check(candles)
    assert reply.adjusted_end_ts > 0

"""The archive: the same rows as the living lists, older than the cutoff."""

import time

from conftest import pages
from sdk import refused


def test_the_cutoff_is_in_the_past(client):
    cutoff = client.get_historical_cutoff()
    for at in (cutoff.market_settled_ts, cutoff.trades_created_ts, cutoff.orders_updated_ts):
        assert at.timestamp() < time.time()


def test_archived_markets(client):
    cutoff = client.get_historical_cutoff().market_settled_ts
    listed = pages(client.get_historical_markets, "markets", limit=50)
    assert len({m.ticker for m in listed}) == len(listed)
    for market in listed:
        assert market.status == "finalized" and market.settlement_ts < cutoff
    now = int(time.time())
    for market in listed[:1]:
        assert client.get_historical_market(market.ticker).market.ticker == market.ticker
        named = client.get_historical_markets(
            tickers=market.ticker, event_ticker=None, series_ticker=None, mve_filter="exclude"
        ).markets
        assert [m.ticker for m in named] == [market.ticker]
        candles = client.get_market_candlesticks_historical(market.ticker, now - 30 * 86400, now, 1440)
        assert candles.ticker == market.ticker
        with refused(404):
            client.get_market(market.ticker)
    with refused(404):
        client.get_historical_market("KXSIM-NONE")
    with refused(404):
        client.get_market_candlesticks_historical("KXSIM-NONE", now - 3600, now, 60)


def test_archived_rows_of_the_member(client, market):
    for rows in (
        client.get_fills_historical(ticker=market.ticker, max_ts=int(time.time()), limit=10).fills,
        client.get_historical_orders(ticker=market.ticker, max_ts=int(time.time()), limit=10).orders,
        client.get_historical_positions(ticker=market.ticker, subaccount=0, limit=10).market_positions,
        client.get_trades_historical(ticker=market.ticker, limit=10).trades,
    ):
        assert rows == [], "a market that trades is not in the archive"
    assert pages(client.get_trades_historical, "trades", limit=100) is not None
    assert pages(client.get_fills_historical, "fills", limit=100) is not None
    assert pages(client.get_historical_orders, "orders", limit=100) is not None

"""The archive: the same rows as the living lists, older than the cutoff."""

from conftest import now, pages, wait_until
from sdk import refused


def test_the_cutoff_is_in_the_past(client):
    cutoff = client.get_historical_cutoff()
    for at in (cutoff.market_settled_ts, cutoff.trades_created_ts, cutoff.orders_updated_ts):
        assert at.timestamp() < now(client)


def test_archived_markets(client):
    listed = wait_until(lambda: pages(client.get_historical_markets, "markets", limit=50))
    cutoff = client.get_historical_cutoff().market_settled_ts
    assert len({m.ticker for m in listed}) == len(listed)
    for market in listed:
        assert market.status == "finalized" and market.settlement_ts < cutoff
    end = now(client)
    for market in listed[:1]:
        assert client.get_historical_market(market.ticker).market.ticker == market.ticker
        named = client.get_historical_markets(
            tickers=market.ticker, event_ticker=None, series_ticker=None, mve_filter="exclude"
        ).markets
        assert [m.ticker for m in named] == [market.ticker]
        candles = client.get_market_candlesticks_historical(market.ticker, end - 30 * 86400, end, 1440)
        assert candles.ticker == market.ticker
        with refused(404):
            client.get_market(market.ticker)
    with refused(404):
        client.get_historical_market("KXSIM-NONE")
    with refused(404):
        client.get_market_candlesticks_historical("KXSIM-NONE", end - 3600, end, 60)


def test_only_what_is_old_is_in_the_archive(client, market):
    end = now(client)
    times = [t.created_time for t in pages(client.get_trades_historical, "trades", limit=100, max_ts=end)]
    times += [f.created_time for f in pages(client.get_fills_historical, "fills", limit=100, max_ts=end, subaccount=0)]
    times += [o.created_time for o in pages(client.get_historical_orders, "orders", limit=100, max_ts=end, subaccount=0)]
    cutoff = client.get_historical_cutoff()
    assert all(at < cutoff.trades_created_ts for at in times)
    assert client.get_trades_historical(is_block_trade=True, ticker="KXSIM-NONE").trades == []
    open_rows = client.get_historical_positions(ticker=market.ticker, subaccount=0, limit=10)
    assert open_rows.market_positions == [] == open_rows.event_positions

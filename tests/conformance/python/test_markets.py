"""What everyone may read: markets, books, trades, events, series."""

from conftest import pages
from orders import new_order, trade
from sdk import refused


def test_markets_by_page_and_filter(client):
    everything = client.get_markets(limit=1000).markets
    assert len({m.ticker for m in everything}) == len(everything) >= 20
    assert {m.exchange_index for m in everything} >= {0, 2}
    assert len({m.price_level_structure for m in everything}) >= 2
    long_lived = [m for m in everything if m.status == "active"]
    paged = pages(client.get_markets, "markets", limit=7, status="open")
    assert len({m.ticker for m in paged}) == len(paged)
    assert {m.ticker for m in paged} & {m.ticker for m in long_lived}
    some = everything[:3]
    named = client.get_markets(tickers=",".join(m.ticker for m in some)).markets
    assert {m.ticker for m in named} == {m.ticker for m in some}
    event = some[0].event_ticker
    assert all(m.event_ticker == event for m in client.get_markets(event_ticker=event).markets)
    series = event.split("-")[0]
    assert client.get_markets(series_ticker=series, mve_filter="exclude").markets
    assert client.get_markets(min_close_ts=0, max_close_ts=1).markets == []


def test_every_status_and_time_filter_is_understood(client):
    for status, here in {
        "unopened": {"initialized"},
        "open": {"active"},
        "paused": {"inactive"},
        "closed": {"closed", "determined", "disputed", "amended"},
        "settled": {"finalized"},
    }.items():
        assert {m.status for m in client.get_markets(status=status).markets} <= here
    created = client.get_markets(min_created_ts=1, status="open", limit=5).markets
    assert created
    close = int(created[0].close_time.timestamp())
    same = client.get_markets(min_close_ts=close, max_close_ts=close, limit=1000).markets
    assert all(int(m.close_time.timestamp()) == close for m in same)
    assert client.get_markets(min_updated_ts=1, mve_filter="exclude", limit=5).markets
    assert client.get_markets(min_settled_ts=1, max_settled_ts=2, status="settled").markets == []
    with refused(400):
        client.get_markets(min_close_ts=1, min_created_ts=1)


def test_one_market_with_its_book(client, market):
    again = client.get_market(market.ticker).market
    assert again.ticker == market.ticker and again.rules_primary is not None
    assert again.price_ranges
    book = client.get_market_orderbook(market.ticker, depth=3).orderbook_fp
    assert 0 < len(book.yes_dollars) <= 3 and 0 < len(book.no_dollars) <= 3
    for side in (book.yes_dollars, book.no_dollars):
        prices = [level[0] for level in side]
        assert prices == sorted(prices)
    assert book.yes_dollars[-1][0] == again.yes_bid_dollars
    whole = client.get_market_orderbook(market.ticker).orderbook_fp
    assert len(whole.yes_dollars) >= 3 and whole.yes_dollars[-3:] == book.yes_dollars
    assert client.get_market_orderbook(market.ticker, depth=0).orderbook_fp == whole
    with refused(400):
        client.raw_checked("GET", f"/markets/{market.ticker}/orderbook", query={"depth": 101})


def test_books_of_several_markets(client, markets):
    tickers = [m.ticker for m in markets[:3]]
    books = client.get_market_orderbooks(tickers=tickers).orderbooks
    assert {b.ticker for b in books} == set(tickers)
    single = client.get_market_orderbook(tickers[0]).orderbook_fp
    assert next(b for b in books if b.ticker == tickers[0]).orderbook_fp == single


def test_an_order_shows_in_the_book(client, market):
    client.create_order_v2(**new_order(market, price="0.0300", count="7.25"))
    client.create_order_v2(**new_order(market, "ask", price="0.9800", count="1.50"))
    book = client.get_market_orderbook(market.ticker).orderbook_fp
    assert ["0.0300", "7.25"] in book.yes_dollars
    assert ["0.0200", "1.50"] in book.no_dollars


def test_trades_are_public(client, other, market):
    taken, _ = trade(client, other, market, "3.00")
    (fill,) = client.get_fills(order_id=taken.order_id).fills
    everything = pages(client.get_trades, "trades", ticker=market.ticker, limit=1)
    found = next(t for t in everything if t.trade_id == fill.trade_id)
    assert (found.count_fp, found.taker_book_side, found.taker_outcome_side) == ("3.00", "bid", "yes")
    assert found.is_block_trade is False
    times = [t.created_time for t in everything]
    assert times == sorted(times, reverse=True)
    at = int(found.created_time.timestamp())
    assert found.trade_id in {t.trade_id for t in client.get_trades(min_ts=at, max_ts=at, limit=1000).trades}
    assert client.get_trades(ticker=market.ticker, max_ts=at - 3600).trades == []
    assert all(t.is_block_trade for t in client.get_trades(is_block_trade=True).trades)


def test_events_and_series(client, market):
    events = client.get_events(status="open", with_nested_markets=True).events
    assert any(m.ticker == market.ticker for e in events for m in e.markets)
    assert all(e.markets is None for e in client.get_events(status="open").events)
    event = client.get_event(market.event_ticker)
    assert market.ticker in {m.ticker for m in event.markets}
    nested = client.get_event(market.event_ticker, with_nested_markets=True)
    assert market.ticker in {m.ticker for m in nested.event.markets}
    assert len(pages(client.get_events, "events", limit=2)) >= 3
    named = client.get_events(tickers=market.event_ticker).events
    assert [e.event_ticker for e in named] == [market.event_ticker]
    ticker = event.event.series_ticker
    assert {e.series_ticker for e in client.get_events(series_ticker=ticker).events} == {ticker}
    series = client.get_series(ticker, include_volume=True).series
    assert series.fee_type.startswith("quadratic")
    listed = client.get_series_list(category=series.category, include_volume=True).series
    assert series.ticker in {s.ticker for s in listed}
    assert client.get_series_list(category="No such category").series == []
    assert client.get_event_metadata(market.event_ticker).market_details


def test_combos_are_a_list_of_their_own(client):
    combos = client.get_multivariate_events(limit=5).events
    ordinary = {e.event_ticker for e in client.get_events().events}
    assert not ordinary & {e.event_ticker for e in combos}
    assert {m.ticker for m in client.get_markets(mve_filter="only").markets}.isdisjoint(
        m.ticker for m in client.get_markets(mve_filter="exclude", limit=1000).markets
    )


def test_fee_changes(client, market):
    changes = client.get_series_fee_changes(show_historical=True).series_fee_change_arr
    assert all(c.series_ticker for c in changes)
    series = market.event_ticker.split("-")[0]
    for change in client.get_series_fee_changes(series_ticker=series, show_historical=False).series_fee_change_arr:
        assert change.series_ticker == series
    assert client.get_event_fee_changes(event_ticker=market.event_ticker, limit=10).event_fee_changes is not None


def test_what_is_not_there(client):
    for ask in (
        lambda: client.get_market("KXSIM-NONE"),
        lambda: client.get_event("KXSIM-NONE"),
        lambda: client.get_market_orderbook("KXSIM-NONE"),
        lambda: client.get_event_metadata("KXSIM-NONE"),
        lambda: client.get_series("KXNONE"),
    ):
        with refused(404, "not"):
            ask()
    assert client.get_markets(tickers="KXSIM-NONE").markets == []
    assert client.get_trades(ticker="KXSIM-NONE").trades == []

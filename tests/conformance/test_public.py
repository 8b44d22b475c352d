"""What everyone may read, through the SDK's strict models."""

import pytest
from kalshi_python_sync.exceptions import BadRequestException, NotFoundException


def pages(fetch, items, **arguments):
    """Reads a list page by page to its end."""
    seen, cursor = [], None
    while True:
        page = fetch(cursor=cursor, **arguments)
        seen += getattr(page, items)
        cursor = page.cursor
        if not cursor:
            return seen


def test_status_hours_and_freshness(one_client):
    status = one_client.get_exchange_status()
    assert status.exchange_active and status.trading_active
    assert [shard.exchange_index for shard in status.exchange_index_statuses] == [0, 1, 2, 3]
    assert one_client.get_exchange_schedule().schedule.standard_hours
    assert one_client.get_user_data_timestamp().as_of_time


def test_markets_by_page_and_filter(one_client):
    everything = one_client.get_markets(limit=1000).markets
    assert len({m.ticker for m in everything}) == len(everything) >= 20
    assert {m.exchange_index for m in everything} >= {0, 2}
    assert len({m.price_level_structure for m in everything}) >= 2
    long_lived = [m for m in everything if m.status == "active"]
    paged = pages(one_client.get_markets, "markets", limit=7, status="open")
    assert len({m.ticker for m in paged}) == len(paged)
    assert {m.ticker for m in paged} & {m.ticker for m in long_lived}
    some = everything[:3]
    named = one_client.get_markets(tickers=",".join(m.ticker for m in some)).markets
    assert {m.ticker for m in named} == {m.ticker for m in some}
    event = some[0].event_ticker
    assert all(m.event_ticker == event for m in one_client.get_markets(event_ticker=event).markets)
    series = event.split("-")[0]
    assert one_client.get_markets(series_ticker=series, mve_filter="exclude").markets
    assert one_client.get_markets(mve_filter="only").markets == []
    assert one_client.get_markets(min_close_ts=0, max_close_ts=1).markets == []


def test_one_market_with_its_book(one_client, market):
    again = one_client.get_market(market.ticker).market
    assert again.ticker == market.ticker
    assert again.price_ranges
    book = one_client.get_market_orderbook(market.ticker, depth=3).orderbook_fp
    assert 0 < len(book.yes_dollars) <= 3 and 0 < len(book.no_dollars) <= 3
    best = [level[0] for level in book.yes_dollars]
    assert best == sorted(best)
    books = one_client.get_market_orderbooks(tickers=[market.ticker]).orderbooks
    assert [b.ticker for b in books] == [market.ticker]


def test_trades(one_client):
    trades = one_client.get_trades(limit=5).trades
    assert all(t.taker_book_side in ("bid", "ask") for t in trades)
    times = [t.created_time for t in trades]
    assert times == sorted(times, reverse=True)
    assert one_client.get_trades(is_block_trade=True).trades == []


def test_events_and_series(one_client, market):
    events = one_client.get_events(status="open", with_nested_markets=True).events
    assert any(m.ticker == market.ticker for e in events for m in e.markets)
    event = one_client.get_event(market.event_ticker)
    assert market.ticker in {m.ticker for m in event.markets}
    nested = one_client.get_event(market.event_ticker, with_nested_markets=True)
    assert market.ticker in {m.ticker for m in nested.event.markets}
    assert len(pages(one_client.get_events, "events", limit=2)) >= 3
    series = one_client.get_series(event.event.series_ticker, include_volume=True).series
    assert series.fee_type.startswith("quadratic")
    listed = one_client.get_series_list(category=series.category).series
    assert series.ticker in {s.ticker for s in listed}
    assert one_client.get_event_metadata(market.event_ticker).market_details
    assert one_client.get_multivariate_events().events == []


def test_costs(one_client):
    costs = one_client.get_account_endpoint_costs()
    assert costs.default_cost == 10
    assert any(c.method == "DELETE" and c.cost == 2 for c in costs.endpoint_costs)


def test_refusals(one_client):
    with pytest.raises(NotFoundException):
        one_client.get_market("KXSIM-NONE")
    with pytest.raises(NotFoundException):
        one_client.get_event("KXSIM-NONE")
    with pytest.raises(NotFoundException):
        one_client.get_market_orderbook("KXSIM-NONE")
    with pytest.raises(BadRequestException):
        one_client.get_markets(min_close_ts=1, min_created_ts=1)

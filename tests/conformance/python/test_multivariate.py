"""Collections of events, and combos made from them."""

from conftest import pages
from sdk import refused


def test_collections(client):
    listed = pages(client.get_multivariate_event_collections, "multivariate_contracts", limit=1)
    assert listed and len({c.collection_ticker for c in listed}) == len(listed)
    one = listed[0]
    again = client.get_multivariate_event_collection(one.collection_ticker).multivariate_contract
    assert again.collection_ticker == one.collection_ticker and again.price_ranges
    event = one.associated_events[0].ticker
    by_event = client.get_multivariate_event_collections(associated_event_ticker=event, status="open")
    assert one.collection_ticker in {c.collection_ticker for c in by_event.multivariate_contracts}
    by_series = client.get_multivariate_event_collections(series_ticker=one.series_ticker)
    assert one.collection_ticker in {c.collection_ticker for c in by_series.multivariate_contracts}
    with refused(404):
        client.get_multivariate_event_collection("KXNONE")


def legs(client, collection):
    """Returns one market of each of the collection's first events, as few as it allows."""
    chosen = []
    for event in collection.associated_events[: max(collection.size_min, 2)]:
        market = next(m for m in client.get_event(event.ticker).markets if m.status == "active")
        chosen.append({"market_ticker": market.ticker, "event_ticker": event.ticker, "side": "yes"})
    return chosen


def test_a_combo_is_made_once(client):
    collection = client.get_multivariate_event_collections(status="open").multivariate_contracts[0]
    chosen = legs(client, collection)
    ticker = collection.collection_ticker
    made = client.create_market_in_multivariate_event_collection(
        ticker, selected_markets=chosen, with_market_payload=True
    )
    assert made.market.ticker == made.market_ticker
    assert made.market.mve_collection_ticker == ticker
    assert {leg.market_ticker for leg in made.market.mve_selected_legs} == {leg["market_ticker"] for leg in chosen}
    again = client.create_market_in_multivariate_event_collection(ticker, selected_markets=chosen)
    assert (again.market_ticker, again.market) == (made.market_ticker, None)
    assert client.get_market(made.market_ticker).market.event_ticker == made.event_ticker
    events = client.get_multivariate_events(collection_ticker=ticker, with_nested_markets=True, limit=100).events
    assert made.event_ticker in {e.event_ticker for e in events}
    assert made.market_ticker in {m.ticker for m in client.get_markets(mve_filter="only", limit=1000).markets}
    with refused(400):
        client.create_market_in_multivariate_event_collection(ticker, selected_markets=[])

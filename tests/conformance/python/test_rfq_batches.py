"""Requests for several quotes at once. No SDK has methods for them yet: sent through its signing, by hand."""

import pytest
from conftest import wait_until
from sdk import refused
from stream import Stream

BATCHES = "/communications/rfq_batches"


@pytest.fixture(scope="session")
def pair(observers):
    """Returns two members: none of this has to do with the SDK."""
    return observers


@pytest.fixture
def combos(client):
    """Returns the tickers of two combos of the first collection."""
    collection = client.get_multivariate_event_collections(status="open").multivariate_contracts[0]
    events = [e.ticker for e in collection.associated_events]
    legs = []
    for event in events:
        for market in [m for m in client.get_event(event).markets if m.status == "active"][:2]:
            legs.append({"event_ticker": event, "market_ticker": market.ticker, "side": "yes"})
    pairs = [[a, b] for a in legs for b in legs if a["event_ticker"] < b["event_ticker"]][:2]
    return [
        client.create_market_in_multivariate_event_collection(
            collection.collection_ticker, selected_markets=pair
        ).market_ticker
        for pair in pairs
    ]


def ask(client, tickers):
    body = {"children": [{"market_ticker": t, "contracts_fp": "5.00"} for t in tickers], "replace_existing": True}
    return client.raw_checked("POST", BATCHES, body)["rfq_batch"]


def bid(other, batch, yes="0.2000", no="0.6000"):
    quotes = [{"rfq_id": rfq["id"], "yes_bid": yes, "no_bid": no} for rfq in batch["rfqs"]]
    path = f"{BATCHES}/{batch['id']}/quotes"
    return other.raw_checked("POST", path, {"quotes": quotes, "rest_remainder": False})["id"]


def test_a_batch_from_creation_to_deletion(client, other, combos):
    batch = ask(client, combos)
    assert [rfq["market_ticker"] for rfq in batch["rfqs"]] == combos and batch["status"] == "open"
    path = f"{BATCHES}/{batch['id']}"
    assert other.raw_checked("GET", path)["rfq_batch"]["id"] == batch["id"]
    listed = client.raw_checked("GET", BATCHES, query={"user_filter": "self", "limit": 20})["rfq_batches"]
    assert batch["id"] in {row["id"] for row in listed}
    quote = bid(other, batch)
    best = client.raw_checked("GET", f"{path}/best_quotes")["best_quotes"]
    assert best["yes_complete"] and best["no_complete"]
    assert {row["yes_bid_dollars"] for row in best["rfqs"]} == {"0.2000"}
    mine = other.raw_checked("GET", f"{path}/quotes")["batch_quotes"]
    assert [row["id"] for row in mine] == [quote]
    other.raw_checked("DELETE", f"{path}/quotes/{quote}")
    best = client.raw_checked("GET", f"{path}/best_quotes")["best_quotes"]
    assert not best["yes_complete"]
    client.raw_checked("DELETE", path)
    assert client.raw_checked("GET", path)["rfq_batch"]["status"] == "closed"


def test_a_batch_on_the_channel_of_communications(client, other, address, combos):
    with Stream(address, client) as mine, Stream(address, other) as theirs:
        mine.subscribe("communications", user_filter="self")
        theirs.subscribe("communications")
        batch = ask(client, combos)
        path = f"{BATCHES}/{batch['id']}"
        for side in (mine, theirs):
            made = side.take("rfq_batch_created")["msg"]
            assert batch["id"] in str(made) and all(rfq["id"] in str(made) for rfq in batch["rfqs"])
        quote = bid(other, batch)
        assert quote in str(theirs.take("batch_quote_created")["msg"])
        assert batch["id"] in str(mine.take("rfq_batch_best_quotes")["msg"])
        limits = [{"rfq_id": rfq["id"], "bid_dollars": "0.6000"} for rfq in batch["rfqs"]]
        client.raw_checked("PUT", f"{path}/accept", {"accepted_side": "no", "min_bids": limits})
        assert quote in str(theirs.take("batch_quote_accepted")["msg"])
        other.raw_checked("PUT", f"{path}/quotes/{quote}/confirm", {})
        assert batch["id"] in str(mine.take("rfq_batch_executed")["msg"])
        assert quote in str(theirs.take("batch_quote_executed")["msg"])
        again = ask(client, combos)
        client.raw_checked("DELETE", f"{BATCHES}/{again['id']}")
        deleted = lambda frame: frame["type"] == "rfq_batch_deleted" and again["id"] in str(frame)
        assert mine.take(deleted) and theirs.take(deleted)
        assert not any(frame["type"].startswith("batch_quote") for frame in mine.quiet())


def test_a_batch_trades_whole(client, other, combos):
    batch = ask(client, combos)
    path = f"{BATCHES}/{batch['id']}"
    quote = bid(other, batch)
    limits = [{"rfq_id": rfq["id"], "bid_dollars": "0.6000"} for rfq in batch["rfqs"]]
    worse = [limit | {"bid_dollars": "0.7000"} for limit in limits]
    with refused(409, "rfq_batch_quotes_changed"):
        client.raw_checked("PUT", f"{path}/accept", {"accepted_side": "no", "min_bids": worse})
    accepted = client.raw_checked("PUT", f"{path}/accept", {"accepted_side": "no", "min_bids": limits})
    assert len(accepted["quotes"]) == 2
    other.raw_checked("PUT", f"{path}/quotes/{quote}/confirm", {})

    def executed():
        rows = other.raw_checked("GET", f"{path}/quotes")["batch_quotes"]
        return rows and rows[0]["status"] == "executed"

    wait_until(executed)
    held = {row.ticker for row in client.get_positions().market_positions}
    assert set(combos) <= held

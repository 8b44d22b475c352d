"""What the tests place: orders with all fields that the exchange asks for, and trades between two members."""

import uuid
from decimal import Decimal


def new_order(market, side="bid", price="0.0100", count="10.00", **fields):
    """Returns the fields of an order; the SDK builds and checks its request model from them."""
    return {
        "ticker": market.ticker,
        "client_order_id": str(uuid.uuid4()),
        "side": side,
        "count": count,
        "price": price,
        "time_in_force": "good_till_canceled",
        "self_trade_prevention_type": "taker_at_cross",
        "exchange_index": market.exchange_index,
    } | fields


def taking(**fields):
    return {"time_in_force": "immediate_or_cancel"} | fields


def inside(client, market):
    """Returns a price between the best bid and ask, on the market's grid, at which only members trade."""
    now = client.get_market(market.ticker).market
    bid, ask = Decimal(now.yes_bid_dollars), Decimal(now.yes_ask_dollars)
    step = max(Decimal(r.step) for r in now.price_ranges if Decimal(r.start) <= bid <= Decimal(r.end))
    assert bid + step < ask, f"no room between {bid} and {ask}"
    return f"{bid + step:.4f}"


def trade(buyer, seller, market, count="2.00", price=None, **fields):
    """Lets one member sell to another; returns the replies to the buyer's taking and the seller's resting order."""
    price = price or inside(buyer, market)
    resting = seller.create_order_v2(**new_order(market, "ask", price, count))
    taken = buyer.create_order_v2(**new_order(market, "bid", price, count, **taking(), **fields))
    assert taken.fill_count == count
    return taken, resting

"""Money: balance, deposits, withdrawals, positions, resting value, allocation between shards."""

from decimal import Decimal

from conftest import pages
from orders import inside, new_order, trade
from sdk import refused


def test_balance(client):
    balance = client.get_balance()
    assert balance.balance > 0 and balance.balance == int(Decimal(balance.balance_dollars) * 100)
    shards = {row.exchange_index: Decimal(row.balance) for row in balance.balance_breakdown}
    assert set(shards) == {0, 1, 2, 3}
    assert sum(shards.values()) == Decimal(balance.balance_dollars)
    one = client.get_balance(subaccount=0, exchange_index=2)
    assert Decimal(one.balance_dollars) == shards[2]


def test_a_trade_moves_cash_by_price_and_fee(client, other, market):
    price = inside(client, market)
    shard = market.exchange_index
    before = Decimal(client.get_balance(exchange_index=shard).balance_dollars)
    held = sum(Decimal(r.position_fp) for r in client.get_positions(ticker=market.ticker).market_positions)
    taken, _ = trade(client, other, market, "10.00", price)
    after = Decimal(client.get_balance(exchange_index=shard).balance_dollars)
    (fill,) = client.get_fills(order_id=taken.order_id).fills
    assert held >= 0
    assert before - after == 10 * Decimal(price) + Decimal(fill.fee_cost)


def test_resting_orders_leave_the_balance_and_have_a_value(client, market):
    before = client.get_balance().balance_dollars
    client.create_order_v2(**new_order(market, price="0.1000", count="20.00"))
    assert client.get_balance().balance_dollars == before
    value = client.get_portfolio_resting_order_total_value()
    rows = {row.exchange_index: Decimal(row.balance) for row in value.resting_order_value_breakdown}
    # Whether the fee that the order may cost counts is not known.
    assert 2 <= rows[market.exchange_index] == sum(rows.values()) < Decimal("2.2")
    assert value.total_resting_order_value == int(rows[market.exchange_index] * 100)


def test_deposits_and_withdrawals(client):
    for row in pages(client.get_deposits, "deposits", limit=1):
        assert row.amount_cents > 0 and row.created_ts > 0
    for row in pages(client.get_withdrawals, "withdrawals", limit=1):
        assert row.amount_cents > 0 and row.created_ts > 0


def test_positions_by_page(client, other, markets):
    mine = [markets[client.number], markets[(client.number + 1) % 6]]
    for one in mine:
        trade(client, other, one, "1.00")
    rows = pages(client.get_positions, "market_positions", limit=1)
    assert {m.ticker for m in mine} <= {row.ticker for row in rows}
    assert len({row.ticker for row in rows}) == len(rows)
    assert len(client.get_positions(ticker=mine[0].ticker, count_filter="position,total_traded").market_positions) == 1
    assert client.get_positions(settlement_status="all", subaccount=0, exchange_index=mine[0].exchange_index).market_positions


def test_allocation_between_shards(client):
    client.set_target_balance_allocation(
        allocations=[{"exchange_index": 0, "percent": 70}, {"exchange_index": 2, "percent": 30}],
        resting_margin_reservation="max",
    )
    target = client.get_target_balance_allocation()
    assert {(a.exchange_index, a.percent) for a in target.allocations} == {(0, 70), (2, 30)}
    assert target.resting_margin_reservation == "max"
    with refused(400):
        client.set_target_balance_allocation(allocations=[{"exchange_index": 0, "percent": 70}])
    client.set_target_balance_allocation(allocations=[])
    assert client.get_target_balance_allocation().allocations == []


def test_settlements_are_a_list(client):
    assert client.get_settlements(limit=5, min_ts=0, subaccount=0).settlements is not None
    assert client.get_settlements(max_ts=1).settlements == []

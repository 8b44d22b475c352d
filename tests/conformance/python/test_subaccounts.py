"""Subaccounts, transfers between them and between shards, netting."""

import uuid
from decimal import Decimal

import pytest
from conftest import pages, wait_until
from orders import new_order
from sdk import refused


@pytest.fixture(scope="session")
def subaccount(pair):
    """Returns a numbered subaccount of the first member."""
    number = pair[0].create_subaccount(exchange_index=0).subaccount_number
    assert number >= 1
    return number


def balances(client):
    rows = client.get_subaccount_balances().subaccount_balances
    return {(row.subaccount_number, row.exchange_index): Decimal(row.balance) for row in rows}


def test_subaccounts_are_numbered_in_sequence(client, subaccount):
    assert client.create_subaccount().subaccount_number == subaccount + 1


def test_a_transfer_moves_cash(client, subaccount, market):
    before = balances(client)
    moved = {
        "client_transfer_id": str(uuid.uuid4()),
        "from_subaccount": 0,
        "to_subaccount": subaccount,
        "amount_cents": 1234,
    }
    client.apply_subaccount_transfer(**moved)
    client.apply_subaccount_transfer(**moved | {
        "client_transfer_id": str(uuid.uuid4()), "amount_cents": 50_000, "exchange_index": market.exchange_index,
    })
    after = balances(client)
    paid = Decimal("12.34") + (500 if market.exchange_index == 0 else 0)
    assert before[0, 0] - after[0, 0] == paid
    assert after[subaccount, 0] - before.get((subaccount, 0), 0) == paid
    rows = pages(client.get_subaccount_transfers, "transfers", limit=1)
    row = next(r for r in rows if r.amount_cents == 1234)
    assert (row.from_subaccount, row.to_subaccount, row.exchange_index) == (0, subaccount, 0)
    assert Decimal(client.get_balance(subaccount=subaccount).balance_dollars) >= Decimal("12.34")
    with refused(400):
        client.apply_subaccount_transfer(**moved | {"client_transfer_id": str(uuid.uuid4()), "amount_cents": 10**12})
    with refused((400, 404)):
        client.apply_subaccount_transfer(**moved | {"client_transfer_id": str(uuid.uuid4()), "to_subaccount": 63})


def test_a_subaccount_trades_apart(client, subaccount, market):
    client.apply_subaccount_transfer(
        client_transfer_id=str(uuid.uuid4()), from_subaccount=0, to_subaccount=subaccount, amount_cents=10_000,
        exchange_index=market.exchange_index,
    )
    created = client.create_order_v2(**new_order(market, subaccount=subaccount))
    assert client.get_order(created.order_id).order.subaccount_number == subaccount
    assert created.order_id in {o.order_id for o in client.get_orders().orders}
    assert created.order_id in {o.order_id for o in client.get_orders(subaccount=subaccount).orders}
    assert created.order_id not in {o.order_id for o in client.get_orders(subaccount=0).orders}
    assert client.get_order_queue_positions(market_tickers=market.ticker, subaccount=subaccount).queue_positions
    assert client.get_order_queue_positions(market_tickers=market.ticker).queue_positions == []
    with refused(404):
        client.cancel_order_v2(created.order_id, exchange_index=market.exchange_index)
    canceled = client.cancel_order_v2(
        created.order_id, subaccount=subaccount, exchange_index=market.exchange_index
    )
    assert canceled.reduced_by == "10.00"
    assert client.get_positions(subaccount=subaccount).market_positions == []


def test_netting(client, subaccount):
    for enabled in (True, False):
        client.update_subaccount_netting(subaccount_number=subaccount, enabled=enabled)
        configs = {c.subaccount_number: c.enabled for c in client.get_subaccount_netting().netting_configs}
        assert configs[subaccount] is enabled and 0 in configs


def test_cash_moves_between_shards(client):
    before = balances(client)
    mine = str(uuid.uuid4())
    request = {
        "client_transfer_id": mine, "source": "event_contract", "destination": "event_contract",
        "source_exchange_shard": 0, "destination_exchange_shard": 1, "amount": 25_000,
    }
    sent = client.intra_exchange_instance_transfer(**request)
    done = wait_until(
        lambda: (t := client.get_intra_exchange_instance_transfer(sent.transfer_id).transfer).status == "complete" and t
    )
    assert (done.source_exchange_shard, done.destination_exchange_shard) == (0, 1)
    assert Decimal(done.amount) == Decimal("2.5")
    after = balances(client)
    assert before[0, 0] - after[0, 0] == after[0, 1] - before[0, 1] == Decimal("2.5")
    assert sent.transfer_id in {t.transfer_id for t in pages(client.get_intra_exchange_instance_transfers, "transfers", limit=1)}
    with refused(409):
        client.intra_exchange_instance_transfer(**request)
    with refused(404):
        client.get_intra_exchange_instance_transfer(str(uuid.uuid4()))


def test_a_transfer_within_a_shard_is_one_between_subaccounts(client, subaccount):
    sent = client.intra_exchange_instance_transfer(
        source="event_contract", destination="event_contract", amount=10_000,
        source_exchange_shard=0, destination_exchange_shard=0, source_subaccount=0, destination_subaccount=subaccount,
    )
    wait_until(lambda: sent.transfer_id in {t.transfer_id for t in client.get_subaccount_transfers(limit=1000).transfers})

"""Order groups: a limit on what may be matched, and what happens to the group's orders."""

import pytest
from orders import inside, new_order
from sdk import refused


@pytest.fixture
def group(client, market):
    made = client.create_order_group(contracts_limit_fp="5.00", exchange_index=market.exchange_index)
    assert made.exchange_index == market.exchange_index and made.subaccount == 0
    return made.order_group_id


def test_a_group_from_creation_to_deletion(client, market, group):
    listed = {g.id: g for g in client.get_order_groups(subaccount=0).order_groups}
    assert listed[group].contracts_limit_fp == "5.00" and listed[group].is_auto_cancel_enabled is False
    order = client.create_order_v2(**new_order(market, order_group_id=group))
    assert client.get_order(order.order_id).order.order_group_id == group
    shown = client.get_order_group(group, subaccount=0)
    assert shown.orders == [order.order_id]
    assert shown.exchange_index in (market.exchange_index, None)
    client.update_order_group_limit(group, exchange_index=market.exchange_index, contracts_limit_fp="7.50")
    assert client.get_order_group(group).contracts_limit_fp == "7.50"
    client.update_order_group_limit(group, exchange_index=market.exchange_index, contracts_limit=9)
    assert client.get_order_group(group).contracts_limit_fp == "9.00"
    client.delete_order_group(group, subaccount=0, exchange_index=market.exchange_index)
    assert client.get_order(order.order_id).order.status == "canceled"
    with refused(404):
        client.get_order_group(group)
    assert group not in {g.id for g in client.get_order_groups().order_groups or []}


def test_trigger_cancels_and_reset_allows_again(client, market, group):
    order = client.create_order_v2(**new_order(market, order_group_id=group))
    client.trigger_order_group(group, exchange_index=market.exchange_index, body={})
    assert client.get_order(order.order_id).order.status == "canceled"
    with refused(400):
        client.create_order_v2(**new_order(market, order_group_id=group))
    client.reset_order_group(group, exchange_index=market.exchange_index, body={})
    again = client.create_order_v2(**new_order(market, order_group_id=group))
    assert client.get_order_group(group).orders == [again.order_id]


def test_the_limit_cancels_the_rest(client, other, market, group):
    deep = client.create_order_v2(**new_order(market, order_group_id=group))
    price = inside(client, market)
    near = client.create_order_v2(**new_order(market, price=price, count="5.00", order_group_id=group))
    taken = other.create_order_v2(
        **new_order(market, "ask", price, "5.00", time_in_force="immediate_or_cancel")
    )
    assert taken.fill_count == "5.00"
    assert client.get_order(near.order_id).order.status == "executed"
    other_orders = client.get_order_group(group).orders
    assert other_orders in ([], [deep.order_id])


def test_groups_that_are_not_there(client, market):
    with refused(404):
        client.get_order_group("00000000-0000-4000-8000-000000000000")
    with refused(404):
        client.reset_order_group("00000000-0000-4000-8000-000000000000", body={})
    with refused(400):
        client.raw_checked("POST", "/portfolio/order_groups/create", {"contracts_limit": 0})

"""The exchange itself, and what it says of the member's limits and costs."""

from datetime import datetime, timezone
from decimal import Decimal

from exchange import START
from orders import new_order


def test_status_hours_and_freshness(client):
    status = client.get_exchange_status()
    assert status.exchange_active and status.trading_active
    assert [shard.exchange_index for shard in status.exchange_index_statuses] == [0, 1, 2, 3]
    assert all(shard.description and shard.trading_active for shard in status.exchange_index_statuses)
    hours = client.get_exchange_schedule().schedule
    assert hours.standard_hours and all(week.monday for week in hours.standard_hours)
    read = client.get_user_data_timestamp().as_of_time
    assert datetime.fromisoformat(START) < read < datetime.now(timezone.utc)
    assert client.get_user_data_timestamp().as_of_time >= read


def test_costs_name_real_operations(client):
    costs = client.get_account_endpoint_costs()
    assert costs.default_cost == 10
    named = {(c.method, c.path): c.cost for c in costs.endpoint_costs}
    assert named["DELETE", "/trade-api/v2/portfolio/events/orders/:order_id"] == 2
    assert costs.default_cost not in named.values()


def test_limits_and_level(client, market):
    limits = client.get_account_api_limits()
    assert limits.write.bucket_capacity >= limits.write.refill_rate > 0
    assert limits.read.bucket_capacity >= limits.read.refill_rate > 0
    assert limits.usage_tier in {"basic", "advanced", "expert", "premier", "paragon", "prime", "prestige"}


def test_the_level_is_raised_after_an_order(client, market):
    client.create_order_v2(**new_order(market))
    client.upgrade_account_api_usage_level()
    limits = client.get_account_api_limits()
    assert limits.usage_tier != "basic"
    assert limits.grants


def test_volume_progress(client):
    for row in client.get_account_api_usage_level_volume_progress().volume_progress:
        assert row.computed_ts > 0 and Decimal(row.trailing_30d_volume_fp) >= 0
        assert all(Decimal(g.earn_volume_goal_fp) >= Decimal(g.keep_volume_goal_fp) >= 0 for g in row.goals)

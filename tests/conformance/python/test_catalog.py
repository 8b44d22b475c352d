"""What helps to find markets: tags, sports, milestones, targets, incentives."""

import uuid

from sdk import refused

NOBODY = str(uuid.UUID(int=0))


def test_tags_are_those_of_the_series(client):
    tags = client.get_tags_for_series_categories().tags_by_categories
    for series in client.get_series_list().series:
        assert set(series.tags) <= set(tags[series.category])
        some = client.get_series_list(tags=series.tags[0], category=series.category).series
        assert series.ticker in {s.ticker for s in some}


def test_sports(client):
    sports = client.get_filters_for_sports()
    assert set(sports.sport_ordering) == set(sports.filters_by_sports)


def test_milestones(client, market):
    for row in client.get_milestones(limit=5, related_event_ticker=market.event_ticker, min_updated_ts=1).milestones:
        assert client.get_milestone(row.id).milestone.id == row.id
    with refused(404):
        client.get_milestone(NOBODY)


def test_structured_targets(client):
    for row in client.get_structured_targets(page_size=5, type="basketball_player").structured_targets:
        assert client.get_structured_target(row.id).structured_target.id == row.id
    assert client.get_structured_targets(ids=[NOBODY]).structured_targets == []
    with refused(404):
        client.get_structured_target(NOBODY)


def test_incentive_programs(client):
    for status in ("all", "active", "upcoming", "closed", "paid_out"):
        assert client.get_incentive_programs(status=status, type="liquidity", limit=10).incentive_programs is not None

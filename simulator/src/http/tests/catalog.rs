use serde_json::json;

use super::specification::conforms;
use super::*;
use crate::venue::FeeScope;

#[test]
fn every_public_list_has_its_shape() {
    run(async {
        let world = World::new(Setup::default());
        let client = client(&world).await;
        client.place(2, order("KXT-26-A", "ask", "0.50", "5")).await;
        client.place(1, order("KXT-26-A", "bid", "0.50", "2")).await;
        for (path, template) in [
            ("/markets", "/markets"),
            ("/markets/KXT-26-A", "/markets/{ticker}"),
            ("/markets/KXT-26-A/orderbook?depth=0", "/markets/{ticker}/orderbook"),
            ("/markets/orderbooks?tickers=KXT-26-A", "/markets/orderbooks"),
            ("/markets/trades", "/markets/trades"),
            ("/events?with_nested_markets=true&with_milestones=true", "/events"),
            ("/events/KXT-26", "/events/{event_ticker}"),
            ("/events/KXT-26?exclude_markets=true", "/events/{event_ticker}"),
            ("/events/KXT-26/metadata", "/events/{event_ticker}/metadata"),
            ("/events/multivariate", "/events/multivariate"),
            ("/series?include_volume=true&include_product_metadata=true", "/series"),
            ("/series/KXT?include_volume=true", "/series/{series_ticker}"),
            ("/search/tags_by_categories", "/search/tags_by_categories"),
            ("/search/filters_by_sport", "/search/filters_by_sport"),
            ("/milestones?limit=10&minimum_start_date=2026-01-01T00:00:00Z", "/milestones"),
            ("/structured_targets?ids=a&ids=b&page_size=2000", "/structured_targets"),
            ("/incentive_programs?status=active&type=volume", "/incentive_programs"),
        ] {
            let answer = client.public(path).await;
            assert_eq!(answer.status, 200, "{path}");
            conforms("get", template, &answer);
        }
    });
}

#[test]
fn unknown_ids_and_bad_parameters_are_refused() {
    run(async {
        let world = World::new(Setup::default());
        let client = client(&world).await;
        for (path, status) in [
            ("/milestones/none", 404),
            ("/structured_targets/none", 404),
            ("/events/KXNO/metadata", 404),
            ("/milestones", 400),
            ("/milestones?limit=501", 400),
            ("/milestones?limit=1&minimum_start_date=yesterday", 400),
            ("/structured_targets?page_size=2001", 400),
            ("/incentive_programs?limit=10001", 400),
            ("/incentive_programs?status=none", 400),
            ("/incentive_programs?type=none", 400),
            ("/events/multivariate?limit=201", 400),
            ("/events/fee_changes?limit=1001", 400),
            ("/multivariate_event_collections?limit=201", 400),
            ("/markets?min_updated_ts=1&status=open", 400),
            ("/markets?min_updated_ts=1&series_ticker=KXT", 400),
            ("/markets?min_updated_ts=1&series_ticker=KXT&mve_filter=exclude", 200),
            ("/events?status=paused", 400),
        ] {
            assert_eq!(client.public(path).await.status, status, "{path}");
        }
    });
}

#[test]
fn series_and_their_tags_are_found_by_what_they_are() {
    run(async {
        let world = World::new(Setup::default());
        let client = client(&world).await;
        let described = crate::venue::market::Series {
            title: "t".to_owned(),
            category: "Sports".to_owned(),
            frequency: "daily".to_owned(),
            tags: vec!["Tennis".to_owned(), "Golf".to_owned()],
        };
        world.exchange.with(|venue| venue.series.insert("KXT".to_owned(), described));
        let tags = client.public("/search/tags_by_categories").await;
        assert_eq!(tags.body["tags_by_categories"], json!({ "Sports": ["Golf", "Tennis"] }));
        let now_s = wall_us() / SECOND_US;
        for (query, found) in [
            ("category=Sports".to_owned(), 1),
            ("category=Politics".to_owned(), 0),
            ("tags=Golf,Chess".to_owned(), 1),
            ("tags=Chess".to_owned(), 0),
            (format!("min_updated_ts={}", now_s - 60), 2),
            (format!("min_updated_ts={}", now_s + 60), 0),
        ] {
            let list = client.public(&format!("/series?{query}")).await;
            assert_eq!(list.body["series"].as_array().unwrap().len(), found, "{query}");
        }
    });
}

/// Takes two contracts at half a dollar and returns the fee.
async fn fee_of_a_trade<S, B>(world: &World, client: &Client<S>) -> i64
where
    S: Service<Request, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody,
{
    let before = world.exchange.with(|venue| venue.fees_taken);
    client.place(2, order("KXT-26-A", "ask", "0.50", "2")).await;
    client.place(1, order("KXT-26-A", "bid", "0.50", "2")).await;
    world.exchange.with(|venue| venue.fees_taken) - before
}

#[test]
fn an_event_has_fees_of_its_own_while_they_are_in_force() {
    run(async {
        let world = World::new(Setup::default());
        let client = client(&world).await;
        assert_eq!(fee_of_a_trade(&world, &client).await, 35_000);
        let now_us = wall_us();
        let half = FeeSchedule { kind: FeeKind::QuadraticWithMakerFees, multiplier: 500 };
        world.exchange.with(|venue| {
            venue.schedule_fee_change(FeeScope::Event, "KXT-26", Some(half), now_us);
            venue.schedule_fee_change(FeeScope::Event, "KXT-26", None, now_us + HOUR_US);
            venue.advance(now_us);
        });
        assert_eq!(fee_of_a_trade(&world, &client).await, 17_500 + 4_400);
        let event = client.public("/events/KXT-26").await;
        conforms("get", "/events/{event_ticker}", &event);
        assert_eq!(event.body["event"]["fee_multiplier_override"], json!(0.5));
        let changes = client.public("/events/fee_changes?event_ticker=KXT-26").await;
        conforms("get", "/events/fee_changes", &changes);
        let types: Vec<_> = changes.body["event_fee_changes"]
            .as_array()
            .unwrap()
            .iter()
            .map(|c| &c["fee_type_override"])
            .collect();
        assert_eq!(types, [&Value::Null, &json!("quadratic_with_maker_fees")], "newest first");
        let first = client.public("/events/fee_changes?limit=1").await;
        let cursor = first.body["cursor"].as_str().unwrap();
        let second = client.public(&format!("/events/fee_changes?limit=1&cursor={cursor}")).await;
        assert_eq!(second.body["event_fee_changes"][0], changes.body["event_fee_changes"][1]);
        world.exchange.with(|venue| venue.apply_fee_changes(now_us + HOUR_US));
        assert_eq!(fee_of_a_trade(&world, &client).await, 35_000);
    });
}

#[test]
fn fees_of_a_series_change_and_markets_can_be_free_of_them() {
    run(async {
        let world = World::new(Setup::default());
        let client = client(&world).await;
        let now_us = wall_us();
        let double = FeeSchedule { kind: FeeKind::Quadratic, multiplier: 2_000 };
        world.exchange.with(|venue| {
            venue.schedule_fee_change(FeeScope::Series, "KXT", Some(double), now_us);
            venue.schedule_fee_change(FeeScope::Series, "KXT", Some(double), now_us + HOUR_US);
            venue.advance(now_us);
            let listing = listing("KXT-27-A", "KXT-27", 0, LINEAR_CENT, now_us, now_us + HOUR_US);
            venue.list(listing, now_us);
            assert_eq!(venue.market("KXT-27-A").unwrap().fees(), double, "also a market listed later");
        });
        assert_eq!(fee_of_a_trade(&world, &client).await, 70_000);
        assert_eq!(client.public("/series/KXT").await.body["series"]["fee_multiplier"], 2);
        let changes = |answer: &Answer| answer.body["series_fee_change_arr"].as_array().unwrap().len();
        let coming = client.public("/series/fee_changes").await;
        conforms("get", "/series/fee_changes", &coming);
        assert_eq!(changes(&coming), 1);
        assert_eq!(changes(&client.public("/series/fee_changes?show_historical=true").await), 2);
        assert_eq!(changes(&client.public("/series/fee_changes?series_ticker=KXU").await), 0);
        world.exchange.with(|venue| venue.waive_fees("KXT-26-A", now_us + HOUR_US, now_us));
        assert_eq!(fee_of_a_trade(&world, &client).await, 0);
        let market = client.public("/markets/KXT-26-A").await;
        conforms("get", "/markets/{ticker}", &market);
        assert!(market.body["market"]["fee_waiver_expiration_time"].is_string());
    });
}

/// Asks for a list of each query and compares how many rows come back.
async fn counts<S, B>(client: &Client<S>, path: &str, list: &str, expected: &[(String, usize)])
where
    S: Service<Request, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody,
{
    for (query, count) in expected {
        let answer = client.public(&format!("{path}?{query}")).await;
        let rows = answer.body[list].as_array().unwrap_or_else(|| panic!("{query}: {answer:?}"));
        assert_eq!(rows.len(), *count, "{path}?{query}");
    }
}

#[test]
fn every_filter_of_markets_and_events_acts() {
    run(async {
        let world = World::new(Setup::default());
        let client = client(&world).await;
        let now_s = wall_us() / SECOND_US;
        let (past, soon, late) = (now_s - 60, now_s + 60, now_s + 7_200);
        world.exchange.with(|venue| {
            let later = listing("KXV-26-D", "KXV-26", 0, LINEAR_CENT, late * SECOND_US, 2 * late * SECOND_US);
            venue.list(later, wall_us());
        });
        let query = |text: String, count: usize| (text, count);
        let markets = [
            query("status=unopened".to_owned(), 1),
            query("status=open".to_owned(), 3),
            query("status=paused".to_owned(), 0),
            query("series_ticker=KXV".to_owned(), 1),
            query("event_ticker=KXT-26".to_owned(), 2),
            query("tickers=KXT-26-A,KXV-26-D".to_owned(), 2),
            query(format!("min_created_ts={past}"), 4),
            query(format!("max_created_ts={past}"), 0),
            query(format!("min_updated_ts={soon}"), 0),
            query(format!("max_updated_ts={soon}"), 4),
            query(format!("min_close_ts={late}"), 1),
            query(format!("max_close_ts={late}"), 3),
            query(format!("min_settled_ts={past}"), 0),
            query(format!("max_settled_ts={soon}"), 0),
        ];
        counts(&client, "/markets", "markets", &markets).await;
        let events = [
            query("status=unopened".to_owned(), 1),
            query("status=open".to_owned(), 2),
            query("status=closed".to_owned(), 0),
            query("series_ticker=KXT".to_owned(), 1),
            query("tickers=KXT-26,KXV-26,KXNO".to_owned(), 2),
            query(format!("min_close_ts={late}"), 1),
            query(format!("min_updated_ts={soon}"), 0),
            query("limit=2".to_owned(), 2),
        ];
        counts(&client, "/events", "events", &events).await;
        let first = client.public("/events?limit=2").await;
        let cursor = first.body["cursor"].as_str().unwrap();
        let second = client.public(&format!("/events?limit=2&cursor={cursor}")).await;
        assert_eq!(second.body["events"].as_array().unwrap().len(), 1);
        client.place(2, order("KXT-26-A", "ask", "0.50", "5")).await;
        client.place(1, order("KXT-26-A", "bid", "0.50", "2")).await;
        let trades = [
            query("ticker=KXT-26-A".to_owned(), 1),
            query("ticker=KXT-26-B".to_owned(), 0),
            query(format!("min_ts={past}&max_ts={soon}"), 1),
            query(format!("min_ts={soon}"), 0),
            query(format!("max_ts={past}"), 0),
            query("is_block_trade=false".to_owned(), 1),
            query("is_block_trade=true".to_owned(), 0),
        ];
        counts(&client, "/markets/trades", "trades", &trades).await;
    });
}

use serde_json::json;

use super::specification::conforms;
use super::*;
use crate::venue::combo::Collection;

fn world() -> World {
    let world = World::new(Setup::default());
    let now_us = wall_us();
    let collection = Collection {
        ticker: "KXMVE-R".to_owned(),
        series_ticker: "KXMVE".to_owned(),
        title: "combos".to_owned(),
        description: "of everything".to_owned(),
        open_us: now_us,
        close_us: now_us + HOUR_US,
        source_series: vec!["KXT".to_owned(), "KXU".to_owned()],
        size_min: 2,
        size_max: 3,
    };
    world.exchange.with(|venue| venue.collections.by_ticker.insert("KXMVE-R".to_owned(), collection));
    world
}

fn selection() -> Value {
    json!({ "with_market_payload": true, "selected_markets": [
        { "event_ticker": "KXT-26", "market_ticker": "KXT-26-A", "side": "yes" },
        { "event_ticker": "KXU-26", "market_ticker": "KXU-26-C", "side": "no" },
    ]})
}

const COLLECTION: &str = "/multivariate_event_collections/{collection_ticker}";

#[test]
fn collections_are_listed_and_found() {
    run(async {
        let world = world();
        let client = client(&world).await;
        let list = client.public("/multivariate_event_collections?status=open").await;
        conforms("get", "/multivariate_event_collections", &list);
        assert_eq!(
            list.body["multivariate_contracts"][0]["associated_event_tickers"],
            json!(["KXT-26", "KXU-26"])
        );
        for (query, found) in [
            ("series_ticker=KXMVE", 1),
            ("series_ticker=KXT", 0),
            ("associated_event_ticker=KXU-26", 1),
            ("associated_event_ticker=KXNO", 0),
            ("status=closed", 0),
        ] {
            let list = client.public(&format!("/multivariate_event_collections?{query}")).await;
            assert_eq!(list.body["multivariate_contracts"].as_array().unwrap().len(), found, "{query}");
        }
        assert_eq!(client.public("/multivariate_event_collections?status=paused").await.status, 400);
        let one = client.public("/multivariate_event_collections/KXMVE-R").await;
        conforms("get", COLLECTION, &one);
        assert_eq!(client.public("/multivariate_event_collections/KXNO").await.status, 404);
    });
}

#[test]
fn a_combo_is_made_once_and_trades_like_any_market() {
    run(async {
        let world = world();
        let client = client(&world).await;
        let path = "/multivariate_event_collections/KXMVE-R";
        let made = client.post(path, selection()).await;
        conforms("post", COLLECTION, &made);
        assert_eq!(made.status, 200);
        let again = client.signed(2, Method::POST, path, Some(selection())).await;
        assert_eq!(again.body["market_ticker"], made.body["market_ticker"]);
        let ticker = made.body["market_ticker"].as_str().unwrap();
        assert_eq!(made.body["market"]["exchange_index"], 1);
        assert_eq!(made.body["market"]["mve_selected_legs"][1]["side"], "no");
        world.exchange.with(|venue| {
            for account in &mut venue.accounts {
                account.cash.insert(1, 1_000_000_000);
            }
        });
        assert_eq!(client.place(2, order(ticker, "ask", "0.125", "5")).await.status, 201);
        let taken = client.place(1, order(ticker, "bid", "0.125", "2")).await;
        assert_eq!(taken.body["fill_count"], "2.00");
        let paid = world.exchange.with(|venue| venue.fees_taken);
        // 0.07 and 0.035 of 2 * 0.125 * 0.875, each rounded up to 1e-4 dollar.
        assert_eq!(paid, 15_400 + 7_700);
    });
}

#[test]
fn combos_are_apart_from_other_events() {
    run(async {
        let world = world();
        let client = client(&world).await;
        let series = client.public("/series").await;
        conforms("get", "/series", &series);
        let described = crate::venue::market::Series {
            title: "Combos".to_owned(),
            category: "Simulation".to_owned(),
            frequency: "custom".to_owned(),
            tags: Vec::new(),
        };
        world.exchange.with(|venue| venue.series.insert("KXMVE".to_owned(), described));
        let series = client.public("/series/KXMVE").await;
        conforms("get", "/series/{series_ticker}", &series);
        assert_eq!(series.body["series"]["fee_type"], "quadratic_with_combo_maker_fees");
        let made = client.post("/multivariate_event_collections/KXMVE-R", selection()).await;
        let (event, ticker) = (&made.body["event_ticker"], &made.body["market_ticker"]);
        let events = client.public("/events/multivariate?with_nested_markets=true").await;
        conforms("get", "/events/multivariate", &events);
        assert_eq!(&events.body["events"][0]["event_ticker"], event);
        assert_eq!(&events.body["events"][0]["markets"][0]["ticker"], ticker);
        let count = |answer: Answer, list: &str| answer.body[list].as_array().unwrap().len();
        for (path, list, found) in [
            ("/events", "events", 2),
            ("/events/multivariate?collection_ticker=KXMVE-R", "events", 1),
            ("/events/multivariate?collection_ticker=OTHER", "events", 0),
            ("/events/multivariate?series_ticker=OTHER", "events", 0),
            ("/events/multivariate?tickers=OTHER", "events", 0),
            ("/markets", "markets", 4),
            ("/markets?mve_filter=only", "markets", 1),
            ("/markets?mve_filter=exclude", "markets", 3),
        ] {
            assert_eq!(count(client.public(path).await, list), found, "{path}");
        }
        let both = "/events/multivariate?series_ticker=KXMVE&collection_ticker=KXMVE-R";
        assert_eq!(client.public(both).await.status, 400);
        let event = client.public(&format!("/events/{}", event.as_str().unwrap())).await;
        conforms("get", "/events/{event_ticker}", &event);
    });
}

#[test]
fn selections_that_cannot_be_combined_are_refused() {
    run(async {
        let world = world();
        let client = client(&world).await;
        let path = "/multivariate_event_collections/KXMVE-R";
        let mut wrong_event = selection();
        wrong_event["selected_markets"][0]["event_ticker"] = json!("KXU-26");
        let mut wrong_side = selection();
        wrong_side["selected_markets"][0]["side"] = json!("maybe");
        for body in [wrong_event, wrong_side, json!({ "selected_markets": [] }), json!({})] {
            assert_eq!(client.post(path, body.clone()).await.status, 400, "{body}");
        }
        assert_eq!(client.post("/multivariate_event_collections/KXNO", selection()).await.status, 404);
        let unsigned = TestRequest::post().uri(&format!("{BASE}{path}")).set_json(selection());
        assert_eq!(client.send(unsigned).await.status, 401);
    });
}

use serde_json::json;

use super::*;

#[test]
fn markets_are_listed_filtered_and_paged() {
    run(async {
        let world = World::new(Setup::default());
        let client = client(&world).await;
        let tickers = |answer: &Answer| -> Vec<String> {
            let markets = answer.body["markets"].as_array().unwrap().clone();
            markets.iter().map(|market| market["ticker"].as_str().unwrap().to_owned()).collect()
        };
        let all = client.public("/markets?status=open").await;
        assert_eq!(tickers(&all), ["KXT-26-A", "KXT-26-B", "KXU-26-C"]);
        assert_eq!(all.body["cursor"], "");
        let first = client.public("/markets?limit=2").await;
        let cursor = first.body["cursor"].as_str().unwrap();
        assert_eq!(tickers(&client.public(&format!("/markets?limit=2&cursor={cursor}")).await), ["KXU-26-C"]);
        assert_eq!(tickers(&client.public("/markets?cursor=garbage&limit=1").await), ["KXT-26-A"]);
        assert_eq!(tickers(&client.public("/markets?event_ticker=KXU-26").await), ["KXU-26-C"]);
        assert_eq!(tickers(&client.public("/markets?tickers=KXT-26-B,KXU-26-C").await).len(), 2);
        assert_eq!(tickers(&client.public("/markets?status=settled").await), Vec::<String>::new());
        let market = client.public("/markets/KXT-26-B").await.body["market"].clone();
        assert_eq!(market["price_level_structure"], "tapered_deci_cent");
        assert_eq!(market["price_ranges"][1], json!({"start":"0.1000","end":"0.9000","step":"0.0100"}));
        assert_eq!(
            (&market["yes_ask_dollars"], &market["no_bid_dollars"]),
            (&json!("0.0000"), &json!("1.0000")),
            "never quoted"
        );
    });
}

#[test]
fn bad_parameters_are_refused() {
    run(async {
        let world = World::new(Setup::default());
        let client = client(&world).await;
        for path in
            ["/markets?limit=1001", "/markets/trades?limit=1001", "/events?limit=201", "/markets?limit=x"]
        {
            let refused = client.public(path).await;
            assert_eq!(refused.status, 400);
            assert_eq!(refused.body, json!({"msg": "Parameter validation failed for limit"}), "{path}");
        }
        let refused = client.public("/markets?status=active").await;
        let expected =
            json!({"error":{"code":"bad_request","message":"bad request","details":"invalid status filter"}});
        assert_eq!((refused.status, &refused.body), (400, &expected));
        for path in [
            "/markets?min_close_ts=1&min_created_ts=1",
            "/markets?status=open&min_close_ts=1",
            "/markets/KXT-26-A/orderbook?depth=101",
        ] {
            assert_eq!(client.public(path).await.status, 400, "{path}");
        }
        assert_eq!(client.public("/markets/KXNO").await.code(), "not_found");
        assert_eq!(client.public("/markets/KXNO/orderbook").await.status, 404);
    });
}

#[test]
fn books_show_the_best_bid_last() {
    run(async {
        let world = World::new(Setup::default());
        let client = client(&world).await;
        for (side, price) in [("bid", "0.40"), ("bid", "0.42"), ("bid", "0.41"), ("ask", "0.55")] {
            client.place(1, order("KXT-26-A", side, price, "3")).await;
        }
        let book = client.public("/markets/KXT-26-A/orderbook?depth=2").await.body;
        assert_eq!(
            book,
            json!({"orderbook_fp": {
                "yes_dollars": [["0.4100", "3.00"], ["0.4200", "3.00"]],
                "no_dollars": [["0.4500", "3.00"]],
            }})
        );
        let books =
            client.public("/markets/orderbooks?tickers=KXT-26-A&tickers=KXU-26-C&tickers=KXNO").await.body;
        let books = books["orderbooks"].as_array().unwrap();
        assert_eq!(books.len(), 2);
        assert_eq!(books[1]["orderbook_fp"], json!({"yes_dollars": [], "no_dollars": []}));
    });
}

#[test]
fn trades_are_public_and_newest_first() {
    run(async {
        let world = World::new(Setup::default());
        let client = client(&world).await;
        client.place(2, order("KXT-26-A", "ask", "0.50", "5")).await;
        for count in ["1", "2"] {
            client.place(1, order("KXT-26-A", "bid", "0.50", count)).await;
        }
        let trades = client.public("/markets/trades?ticker=KXT-26-A").await.body;
        let counts: Vec<_> =
            trades["trades"].as_array().unwrap().iter().map(|trade| &trade["count_fp"]).collect();
        assert_eq!(counts, ["2.00", "1.00"]);
        assert_eq!(trades["trades"][0]["taker_book_side"], "bid");
        assert_eq!(client.public("/markets/trades?is_block_trade=true").await.body["trades"], json!([]));
        let market = client.public("/markets/KXT-26-A").await.body["market"].clone();
        assert_eq!((&market["volume_fp"], &market["volume_24h_fp"]), (&json!("3.00"), &json!("3.00")));
    });
}

#[test]
fn events_and_series_hold_their_markets() {
    run(async {
        let world = World::new(Setup::default());
        let client = client(&world).await;
        let event = client.public("/events/KXT-26").await.body;
        assert_eq!(event["markets"].as_array().unwrap().len(), 2);
        assert!(event["event"].get("markets").is_none());
        let nested = client.public("/events/KXT-26?with_nested_markets=true").await.body;
        assert_eq!(nested["event"]["markets"].as_array().unwrap().len(), 2);
        assert_eq!(nested["markets"], json!([]));
        let list = client.public("/events?status=open&series_ticker=KXU").await.body;
        assert_eq!(list["events"][0]["event_ticker"], "KXU-26");
        assert_eq!(list["events"].as_array().unwrap().len(), 1);
        let series = client.public("/series/KXT?include_volume=true").await.body["series"].clone();
        assert_eq!((&series["fee_type"], &series["fee_multiplier"]), (&json!("quadratic"), &json!(1)));
        assert_eq!(series["volume_fp"], "0.00");
        assert_eq!(client.public("/series").await.body["series"].as_array().unwrap().len(), 2);
        assert_eq!(client.public("/series/KXNO").await.status, 404);
    });
}

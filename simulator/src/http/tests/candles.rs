use serde_json::json;

use super::specification::conforms;
use super::*;

/// Asks for the two minutes around now.
fn around_now() -> String {
    let now_s = wall_us() / SECOND_US;
    format!("start_ts={}&end_ts={}&period_interval=1", now_s - 60, now_s + 120)
}

#[test]
fn candles_show_quotes_and_trades() {
    run(async {
        let world = World::new(Setup::default());
        let client = client(&world).await;
        client.place(2, order("KXT-26-A", "ask", "0.50", "5")).await;
        client.place(1, order("KXT-26-A", "bid", "0.50", "2")).await;
        let path = format!("/series/KXT/markets/KXT-26-A/candlesticks?{}", around_now());
        let answer = client.public(&path).await;
        conforms("get", "/series/{series_ticker}/markets/{ticker}/candlesticks", &answer);
        let candle = answer.body["candlesticks"].as_array().unwrap().last().unwrap().clone();
        assert_eq!(
            (&candle["price"]["close_dollars"], &candle["volume_fp"]),
            (&json!("0.5000"), &json!("2.00"))
        );
        assert_eq!(candle["yes_ask"]["close_dollars"], "0.5000");
        assert_eq!(
            (&candle["yes_bid"]["close_dollars"], &candle["open_interest_fp"]),
            (&json!("0.0000"), &json!("2.00"))
        );
        assert_eq!(candle["end_period_ts"].as_i64().unwrap() % 60, 0);
    });
}

#[test]
fn a_period_without_trades_has_only_what_was_before() {
    run(async {
        let world = World::new(Setup::default());
        let client = client(&world).await;
        client.place(2, order("KXT-26-A", "ask", "0.50", "5")).await;
        client.place(1, order("KXT-26-A", "bid", "0.50", "2")).await;
        let later_s = wall_us() / SECOND_US + 3_600;
        let range = format!("start_ts={later_s}&end_ts={}&period_interval=1", later_s + 600);
        let path = format!("/series/KXT/markets/KXT-26-A/candlesticks?{range}");
        assert_eq!(client.public(&path).await.body["candlesticks"], json!([]));
        let answer = client.public(&format!("{path}&include_latest_before_start=true")).await;
        conforms("get", "/series/{series_ticker}/markets/{ticker}/candlesticks", &answer);
        let candles = answer.body["candlesticks"].as_array().unwrap().clone();
        assert_eq!(candles.len(), 1);
        assert_eq!(candles[0]["price"], json!({ "previous_dollars": "0.5000" }));
        assert_eq!(candles[0]["end_period_ts"], later_s / 60 * 60 + 60);
    });
}

#[test]
fn events_and_batches_hold_the_candles_of_their_markets() {
    run(async {
        let world = World::new(Setup::default());
        let client = client(&world).await;
        client.place(2, order("KXT-26-A", "ask", "0.50", "5")).await;
        let range = around_now();
        let event = client.public(&format!("/series/KXT/events/KXT-26/candlesticks?{range}")).await;
        conforms("get", "/series/{series_ticker}/events/{ticker}/candlesticks", &event);
        assert_eq!(event.body["market_tickers"], json!(["KXT-26-A", "KXT-26-B"]));
        let counts = |list: &Value| -> Vec<usize> {
            list.as_array().unwrap().iter().map(|candles| candles.as_array().unwrap().len()).collect()
        };
        assert_eq!(counts(&event.body["market_candlesticks"]), [1, 0]);
        let now_s = wall_us() / SECOND_US;
        let long = format!("start_ts=0&end_ts={now_s}&period_interval=1");
        let cut = client.public(&format!("/series/KXT/events/KXT-26/candlesticks?{long}")).await;
        assert_eq!(cut.body["adjusted_end_ts"], 4_999 * 60, "ten thousand candles for two markets");
        let path = format!("/markets/candlesticks?market_tickers=KXT-26-A,KXNO,KXU-26-C&{range}");
        let batch = client.public(&path).await;
        conforms("get", "/markets/candlesticks", &batch);
        let tickers: Vec<_> =
            batch.body["markets"].as_array().unwrap().iter().map(|market| &market["market_ticker"]).collect();
        assert_eq!(tickers, ["KXT-26-A", "KXU-26-C"]);
    });
}

#[test]
fn ranges_that_make_no_sense_are_refused() {
    run(async {
        let world = World::new(Setup::default());
        let client = client(&world).await;
        for query in [
            "start_ts=0&end_ts=60",
            "start_ts=0&end_ts=60&period_interval=5",
            "start_ts=60&end_ts=0&period_interval=1",
            "start_ts=x&end_ts=60&period_interval=1",
            "start_ts=0&end_ts=600060&period_interval=1",
        ] {
            let path = format!("/series/KXT/markets/KXT-26-A/candlesticks?{query}");
            assert_eq!(client.public(&path).await.status, 400, "{query}");
        }
        let path = "/markets/candlesticks?market_tickers=KXT-26-A,KXT-26-B&start_ts=0&end_ts=300060&period_interval=1";
        assert_eq!(client.public(path).await.status, 400, "10,002 candles");
        assert_eq!(
            client.public("/markets/candlesticks?start_ts=0&end_ts=60&period_interval=1").await.status,
            400
        );
        for path in ["/series/KXU/markets/KXT-26-A", "/series/KXT/markets/KXNO", "/series/KXT/events/KXNO"] {
            let path = format!("{path}/candlesticks?start_ts=0&end_ts=60&period_interval=1");
            assert_eq!(client.public(&path).await.status, 404, "{path}");
        }
    });
}

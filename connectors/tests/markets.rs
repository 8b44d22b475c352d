//! Markets that are looked up and books that are sampled, against a fake venue.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test: what fails is a panic that says where"
)]

#[expect(dead_code, reason = "each test binary uses its own part of the bench")]
mod fake;

use std::time::{Duration, Instant};

use fake::{Bench, DEADLINE, Fake, Reply, Request};
use outrigger_engine::actors::messages::BooksMessage;
use outrigger_engine::domain::{Presence, Ticker};
use outrigger_engine::venue::BookSample;

fn json(body: &str) -> Option<Reply> {
    Some(Reply::Json(200, body.to_owned()))
}

/// Knows `COMBO`, which is in no list, and nothing of `NONE`.
fn answer(request: &Request) -> Option<Reply> {
    match (request.path.as_str(), request.query.get("tickers").map(String::as_str)) {
        ("/markets", Some(tickers)) if tickers.contains("COMBO") => {
            json(r#"{"markets":[{"ticker":"COMBO","status":"active","exchange_index":0}],"cursor":""}"#)
        }
        ("/markets", Some(_)) => json(r#"{"markets":[],"cursor":""}"#),
        ("/markets/orderbooks", _) => json(
            r#"{"orderbooks":[{"ticker":"KXA","orderbook_fp":{"yes_dollars":[["0.4600","1.00"],["0.4700","3.00"]],"no_dollars":null}}]}"#,
        ),
        _ => None,
    }
}

async fn presence(bench: &Bench, ticker: &str, wanted: Presence) {
    let deadline = Instant::now() + DEADLINE;
    while bench.catalog.presence(ticker) != wanted {
        assert!(Instant::now() < deadline, "{ticker} is {:?}", bench.catalog.presence(ticker));
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_market_in_no_list_is_found_and_one_that_does_not_exist_is_asked_for_once() {
    let fake = Fake::open(answer).await;
    let bench = Bench::start(fake.addr, |_| {});
    presence(&bench, "KXA", Presence::Tradable).await;
    assert_eq!(bench.catalog.presence("COMBO"), Presence::Unread);
    bench.look_ups.send(vec![Ticker::from("NONE")]).await.unwrap();
    presence(&bench, "NONE", Presence::Absent).await;
    bench.look_ups.send(vec![Ticker::from("COMBO")]).await.unwrap();
    presence(&bench, "COMBO", Presence::Tradable).await;
    // Longer than the catalogue waits before it looks again at a market that is on its way.
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    let about_none = fake.requests("GET", "/markets");
    let about_none =
        about_none.iter().filter(|request| request.query.get("tickers").is_some_and(|t| t == "NONE"));
    assert_eq!(about_none.count(), 1);
}

/// A sample waits half a second for tokens, and the budget starts without any.
async fn room_for_samples(bench: &Bench) {
    let has_room = |status: &outrigger_connectors::VenueStatus| {
        status.budget().buckets.iter().any(|bucket| bucket.bucket == "read" && bucket.left > 1_500)
    };
    bench.until("tokens for reads in the background", has_room).await;
}

#[tokio::test]
async fn sampled_books_come_back_exact_and_a_failed_read_says_so() {
    let fake = Fake::open(answer).await;
    let mut bench = Bench::start(fake.addr, |_| {});
    room_for_samples(&bench).await;
    bench.samples.send(vec![Ticker::from("KXA"), Ticker::from("NONE")]).await.unwrap();
    let sampled = async {
        loop {
            if let Some(BooksMessage::Sampled(samples)) = bench.books.recv().await {
                return samples;
            }
        }
    };
    let samples = tokio::time::timeout(DEADLINE, sampled).await.expect("an answer in time").unwrap();
    let level = |price: &str, count: &str| (price.parse().unwrap(), count.parse().unwrap());
    let yes = vec![level("0.4600", "1.00"), level("0.4700", "3.00")];
    assert_eq!(samples, [BookSample { ticker: Ticker::from("KXA"), yes, no: vec![] }]);

    let fake = Fake::open(|request| request.path.ends_with("orderbooks").then_some(Reply::Reset)).await;
    let mut bench = Bench::start(fake.addr, |_| {});
    room_for_samples(&bench).await;
    bench.samples.send(vec![Ticker::from("KXA")]).await.unwrap();
    let failed = async {
        loop {
            if let Some(BooksMessage::Sampled(samples)) = bench.books.recv().await {
                return samples;
            }
        }
    };
    let failed = tokio::time::timeout(DEADLINE, failed).await.expect("an answer in time");
    assert!(failed.unwrap_err().contains("orderbooks"));
}

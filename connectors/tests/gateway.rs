//! Writes, reports and the start against a fake venue that refuses, resets and lies about nothing.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test: what fails is a panic that says where"
)]

#[expect(dead_code, reason = "each test binary uses its own part of the bench")]
mod fake;
#[path = "fake/orders.rs"]
mod orders;

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use fake::{Bench, Fake, Reply};
use orders::{CREATED, ORDERS, cancel, create};
use outrigger_engine::actors::messages::{BooksMessage, DeskMessage};
use outrigger_engine::domain::{OrderId, VenueTime};
use outrigger_engine::journal::HaltMode;
use outrigger_engine::venue::{
    ReportScope, TradesReport, TradesScope, VenueReport, VenueRequest, VenueWrite, WriteOutcome,
};

async fn write(bench: &mut Bench, write: VenueWrite) -> WriteOutcome {
    static ATTEMPT: AtomicUsize = AtomicUsize::new(0);
    let attempt = ATTEMPT.fetch_add(1, SeqCst) as u64;
    let order_id = OrderId(uuid::Uuid::from_u128(7));
    bench.requests.send(VenueRequest::Write { order_id, attempt, write }).await.unwrap();
    bench
        .desk(|message| match message {
            DeskMessage::Venue(reply) if reply.attempt == attempt => Some(reply.outcome),
            _ => None,
        })
        .await
}

fn name(outcome: &WriteOutcome) -> &'static str {
    match outcome {
        WriteOutcome::Accepted(_) => "accepted",
        WriteOutcome::Refused(_) => "refused",
        WriteOutcome::Unknown { .. } => "unknown",
        WriteOutcome::NotSent { .. } => "not sent",
    }
}

#[tokio::test]
async fn writes_end_as_what_is_proven() {
    let fake = Fake::open(|request| match (request.method.as_str(), request.path.as_str()) {
        ("POST", ORDERS) if request.body.contains("lost") => Some(Reply::Reset),
        ("POST", ORDERS) if request.body.contains("spent") => Some(Reply::Json(
            409,
            r#"{"error":{"code":"order_already_exists","message":"order already exists"}}"#.to_owned(),
        )),
        ("POST", ORDERS) if request.body.contains("poor") => Some(Reply::Json(
            400,
            r#"{"error":{"code":"insufficient_balance","message":"insufficient balance"}}"#.to_owned(),
        )),
        ("POST", ORDERS) => Some(Reply::Json(201, CREATED.to_owned())),
        ("DELETE", _) => {
            Some(Reply::Json(404, r#"{"error":{"code":"not_found","message":"not found"}}"#.to_owned()))
        }
        _ => None,
    })
    .await;
    let mut bench = Bench::start(fake.addr, |_| {});
    for (id, expected) in
        [("good", "accepted"), ("lost", "unknown"), ("spent", "unknown"), ("poor", "refused")]
    {
        let outcome = write(&mut bench, create(id)).await;
        assert_eq!(name(&outcome), expected, "{id}: {outcome:?}");
    }
    assert_eq!(name(&write(&mut bench, cancel("v/1")).await), "unknown", "404 proves nothing");
    let cancels = fake.requests("DELETE", "/portfolio/events/orders/v%2F1");
    assert_eq!(cancels[0].query["exchange_index"], "0");
    assert_eq!(fake.requests("POST", ORDERS).len(), 4, "nothing doubtful was sent twice");
}

#[tokio::test]
async fn a_halt_stops_orders_at_the_last_moment_and_lets_cancels_out() {
    let fake =
        Fake::open(|request| (request.method != "GET").then(|| Reply::Json(200, CREATED.to_owned()))).await;
    let mut bench = Bench::start(fake.addr, |_| {});
    bench.halt.set(HaltMode::Halted);
    assert_eq!(name(&write(&mut bench, create("a")).await), "not sent");
    assert_eq!(name(&write(&mut bench, cancel("v-1")).await), "accepted");
    bench.halt.set(HaltMode::Active);
    assert_eq!(name(&write(&mut bench, create("a")).await), "accepted");
    assert_eq!(fake.requests("POST", ORDERS).len(), 1);
}

#[tokio::test]
async fn a_refusal_for_the_rate_is_tried_again_signed_anew() {
    let refusals = AtomicUsize::new(0);
    let fake = Fake::open(move |request| {
        let is_order = request.path == ORDERS;
        let is_early = is_order && refusals.fetch_add(1, SeqCst) < 2;
        let body = if is_early { r#"{"error":"too many requests"}"# } else { CREATED };
        is_order.then(|| Reply::Json(if is_early { 429 } else { 201 }, body.to_owned()))
    })
    .await;
    let mut bench = Bench::start(fake.addr, |_| {});
    bench.until("the limits are read", |status| status.is_limits_read()).await;
    assert_eq!(name(&write(&mut bench, create("same")).await), "accepted");
    let sent = fake.requests("POST", ORDERS);
    assert_eq!(sent.len(), 3);
    assert!(sent.iter().all(|request| request.body == sent[0].body), "one id for one intent");
    assert!(sent[0].timestamp < sent[2].timestamp, "signed anew");
    assert!(bench.status.counters().contains(&("throttles", 2)));
}

#[tokio::test]
async fn without_a_connection_nothing_was_sent() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut bench = Bench::start(closed, |_| {});
    assert_eq!(name(&write(&mut bench, create("a")).await), "not sent");
    assert!(!bench.status.is_rest_ready());
    bench.until("a problem", |status| status.problems().iter().any(|(part, _)| *part == "rest")).await;
}

#[tokio::test]
async fn a_refused_key_is_explained_and_tried_until_it_works() {
    let tries = AtomicUsize::new(0);
    let fake = Fake::open(move |request| {
        let is_probe = request.path == "/account/limits" && tries.fetch_add(1, SeqCst) < 2;
        let body = r#"{"error":{"code":"authentication_error","message":"authentication_error","details":"NOT_FOUND"}}"#;
        is_probe.then(|| Reply::Json(401, body.to_owned()))
    })
    .await;
    let bench = Bench::start(fake.addr, |_| {});
    bench
        .until("words for a person", |status| {
            status.problems().iter().any(|(_, problem)| problem.message.contains("does not know this key id"))
        })
        .await;
    bench.until("ready", |status| status.is_rest_ready() && status.is_limits_read()).await;
    bench.until("no problem", |status| status.problems().iter().all(|(part, _)| *part != "rest")).await;
}

async fn report(bench: &mut Bench, scope: ReportScope) -> Result<VenueReport, String> {
    bench.requests.send(VenueRequest::Report(scope)).await.unwrap();
    bench
        .desk(|message| match message {
            DeskMessage::Report(report) => Some(report),
            _ => None,
        })
        .await
}

fn order(id: &str, status: &str, remaining: &str) -> String {
    format!(
        r#"{{"order_id":"{id}","client_order_id":"c-{id}","ticker":"KXA","book_side":"bid","status":"{status}","yes_price_dollars":"0.5","fill_count_fp":"0.00","remaining_count_fp":"{remaining}","initial_count_fp":"2.00"}}"#
    )
}

#[tokio::test]
async fn a_report_reads_every_page_and_begins_with_the_freshness() {
    let fake = Fake::open(|request| {
        let cursor = request.query.get("cursor").map(String::as_str);
        let status = request.query.get("status").map(String::as_str);
        let body = match (request.path.as_str(), status, cursor) {
            ("/portfolio/orders", Some("resting"), None) => {
                format!(r#"{{"orders":[{}],"cursor":"next"}}"#, order("a", "resting", "2.00"))
            }
            ("/portfolio/orders", Some("resting"), Some("next")) => {
                format!(r#"{{"orders":[{}],"cursor":""}}"#, order("b", "resting", "1.00"))
            }
            ("/portfolio/orders", None, None) => {
                format!(r#"{{"orders":[{}]}}"#, order("a", "canceled", "0.00"))
            }
            ("/portfolio/orders/gone", ..) => return Some(Reply::Json(404, "{}".to_owned())),
            ("/portfolio/orders/c", ..) => format!(r#"{{"order":{}}}"#, order("c", "executed", "0.00")),
            ("/portfolio/positions", ..) => {
                r#"{"market_positions":[{"ticker":"KXA","position_fp":"-3.00"}],"event_positions":null,"cursor":null}"#.to_owned()
            }
            _ => return None,
        };
        Some(Reply::Json(200, body))
    })
    .await;
    let mut bench = Bench::start(fake.addr, |_| {});
    bench.until("limits", |status| status.is_limits_read()).await;
    let scope = ReportScope {
        since: Some(VenueTime(1_790_000_000_999)),
        orders: vec!["c".into(), "gone".into()],
        fills_of: vec![],
    };
    let read = report(&mut bench, scope).await.unwrap();
    let orders: Vec<String> =
        read.orders.iter().map(|order| format!("{} {:?}", order.venue_order_id, order.status)).collect();
    assert_eq!(orders, ["a Canceled", "b Resting", "c Executed"], "the later read of an order counts");
    assert_eq!(read.orders_not_found, ["gone".into()]);
    assert_eq!(read.positions[0].position.to_string(), "-3.00");
    assert_eq!(read.balance.cash.to_string(), "1.005000");
    assert_eq!(read.as_of, VenueTime(1_793_016_000_500));
    assert_eq!(fake.requests("GET", "/portfolio/fills")[0].query["min_ts"], "1790000000");
}

#[tokio::test]
async fn fills_of_single_orders_are_read_beside_those_by_time() {
    let fake = Fake::open(|request| {
        let fill = |id: &str| {
            let body = format!(
                r#"{{"fill_id":"{id}","order_id":"v","ticker":"KXA","book_side":"bid","yes_price_dollars":"0.5","count_fp":"1.00","ts":1}}"#
            );
            Some(Reply::Json(200, format!(r#"{{"fills":[{body}]}}"#)))
        };
        match (request.path.as_str(), request.query.get("order_id").map(String::as_str)) {
            ("/portfolio/fills", None) => fill("new"),
            ("/portfolio/fills", Some("v%2F1")) => fill("old"),
            ("/portfolio/fills", Some(_)) => fill("wrong"),
            _ => None,
        }
    })
    .await;
    let mut bench = Bench::start(fake.addr, |_| {});
    let scope =
        ReportScope { since: Some(VenueTime(5_000)), fills_of: vec!["v/1".into()], ..Default::default() };
    let read = report(&mut bench, scope).await.unwrap();
    let ids: Vec<&str> = read.fills.iter().map(|fill| fill.trade_id.as_str()).collect();
    assert_eq!(ids, ["new", "old"]);
}

async fn trades(bench: &mut Bench, tickers: Vec<String>) -> Result<TradesReport, String> {
    let tickers = tickers.iter().map(|ticker| ticker.as_str().into()).collect();
    let scope = TradesScope { since: VenueTime(1_790_000_000_999), tickers };
    bench.requests.send(VenueRequest::Trades(scope)).await.unwrap();
    loop {
        let message = tokio::time::timeout(Duration::from_secs(30), bench.books.recv()).await.unwrap();
        if let BooksMessage::Trades(report) = message.unwrap() {
            return report;
        }
    }
}

fn trade_page(ids: &[(u32, &str)], cursor: &str) -> Option<Reply> {
    let row = |(second, ticker): &(u32, &str)| {
        format!(
            r#"{{"trade_id":"t{second}","ticker":"{ticker}","count_fp":"1.00","yes_price_dollars":"0.5600","taker_book_side":"ask","created_time":"2026-09-21T14:13:{second:02}.123456Z"}}"#
        )
    };
    let rows: Vec<String> = ids.iter().map(row).collect();
    Some(Reply::Json(200, format!(r#"{{"trades":[{}],"cursor":"{cursor}"}}"#, rows.join(","))))
}

#[tokio::test]
async fn trades_are_read_per_market_page_by_page_and_come_oldest_first() {
    let fake = Fake::open(|request| {
        let value = |name: &str| request.query.get(name).map(String::as_str);
        match (request.path.as_str(), value("ticker"), value("cursor")) {
            ("/markets/trades", Some("A"), None) => trade_page(&[(9, "A"), (7, "A")], "more"),
            ("/markets/trades", Some("A"), Some("more")) => trade_page(&[(3, "A")], ""),
            ("/markets/trades", Some("B"), None) => trade_page(&[(5, "B")], ""),
            ("/markets/trades", ..) => trade_page(&[(1, "C")], ""),
            _ => None,
        }
    })
    .await;
    let mut bench = Bench::start(fake.addr, |_| {});
    let read = trades(&mut bench, vec!["A".into(), "B".into()]).await.unwrap();
    let ids: Vec<&str> = read.trades.iter().map(|trade| trade.trade_id.as_str()).collect();
    assert_eq!((ids, read.cut_before), (vec!["t3", "t5", "t7", "t9"], None));
    assert_eq!(read.trades[0].ts_ms.0 % 60_000, 3_123);
    assert_eq!(fake.requests("GET", "/markets/trades")[0].query["min_ts"], "1790000000");
}

#[tokio::test]
async fn trades_of_many_markets_are_picked_out_of_all_and_a_long_break_is_cut() {
    static PAGE: AtomicUsize = AtomicUsize::new(0);
    let fake = Fake::open(|request| {
        assert!(request.path != "/markets/trades" || !request.query.contains_key("ticker"));
        let page = || PAGE.fetch_add(1, SeqCst).to_string();
        (request.path == "/markets/trades").then(|| trade_page(&[(9, "M1"), (8, "other")], &page())).flatten()
    })
    .await;
    let mut bench = Bench::start(fake.addr, |_| {});
    let read = trades(&mut bench, (0..40).map(|n| format!("M{n}")).collect()).await.unwrap();
    assert_eq!(fake.requests("GET", "/markets/trades").len(), 100);
    assert!(read.trades.len() == 100 && read.trades.iter().all(|trade| trade.ticker.as_str() == "M1"));
    assert_eq!(read.cut_before.unwrap().0 % 60_000, 8_123, "older ones of any market may be missing");
}

#[tokio::test]
async fn a_report_that_fails_anywhere_is_none() {
    let fake = Fake::open(|request| {
        (request.path == "/portfolio/settlements").then(|| Reply::Json(500, String::new()))
    })
    .await;
    let mut bench = Bench::start(fake.addr, |_| {});
    let error = report(&mut bench, ReportScope::default()).await.unwrap_err();
    assert!(error.contains("settlements") && error.contains("500"), "{error}");
    let endless = Fake::open(|request| {
        (request.path == "/portfolio/fills")
            .then(|| Reply::Json(200, r#"{"fills":[],"cursor":"same"}"#.to_owned()))
    })
    .await;
    let mut bench = Bench::start(endless.addr, |_| {});
    let error = report(&mut bench, ReportScope::default()).await.unwrap_err();
    assert!(error.contains("circles"), "{error}");
}

#[tokio::test]
async fn stopping_answers_whatever_was_asked() {
    let fake =
        Fake::open(|request| (request.path == ORDERS).then(|| Reply::Json(201, CREATED.to_owned()))).await;
    let mut bench = Bench::start(fake.addr, |_| {});
    for attempt in 0..50 {
        let (order_id, write) = (OrderId(uuid::Uuid::from_u128(1)), create(&format!("c{attempt}")));
        bench.requests.send(VenueRequest::Write { order_id, attempt, write }).await.unwrap();
    }
    assert!(bench.tasks.drain(Duration::from_secs(10)).await);
    let mut answered = Vec::new();
    while let Some(message) = bench.desk.recv().await {
        if let DeskMessage::Venue(reply) = message {
            answered.push(reply.attempt);
        }
    }
    answered.sort_unstable();
    assert_eq!(answered, (0..50).collect::<Vec<u64>>(), "each exactly once");
}

//! The stream against a fake venue: subscriptions, order of items, breaks, resyncs.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test: what fails is a panic that says where"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};
use std::time::Duration;

#[expect(dead_code, reason = "each test binary uses its own part of the bench")]
mod fake;

use fake::{Bench, Fake};
use outrigger_engine::actors::messages::DeskMessage;
use outrigger_engine::domain::{Clock, Generation, Now, SubscriptionId, Ticker, WallTime};
use outrigger_engine::venue::{Channel, FeedCommand, FeedItem, FeedState, MarketFrame, PrivateItem};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

const SNAPSHOT: &str = r#"{"type":"orderbook_snapshot","sid":5,"seq":1,"msg":{"market_ticker":"KXA","yes_dollars_fp":[["0.4700","3.00"]]}}"#;

fn delta(seq: u64) -> String {
    format!(
        r#"{{"type":"orderbook_delta","sid":5,"seq":{seq},"msg":{{"market_ticker":"KXA","price_dollars":"0.4700","delta_fp":"1.00","side":"yes","ts_ms":1790000000000}}}}"#
    )
}

fn pinned() -> Vec<Ticker> {
    vec![Ticker::from("KXA")]
}

/// `state:generation` for states, otherwise what the item is in short.
fn word(item: &FeedItem) -> String {
    match item {
        FeedItem::State { generation, state, .. } => format!("{state:?}:{}", generation.0),
        FeedItem::Subscribed { sid, channel, .. } => format!("{channel:?}={}", sid.0),
        FeedItem::Frame { sid, seq, frame, .. } => {
            let kind = match frame {
                MarketFrame::Snapshot { .. } => "snapshot",
                MarketFrame::Delta { .. } => "delta",
                MarketFrame::Ack => "ack",
                MarketFrame::Unreadable { .. } => "unreadable",
                _ => "other",
            };
            format!("{kind} {}/{}", sid.0, seq.unwrap_or(0))
        }
    }
}

async fn words(bench: &mut Bench, count: usize) -> Vec<String> {
    let mut words = Vec::new();
    for _ in 0..count {
        words.push(word(&bench.item().await));
    }
    words
}

/// The next item that is no state of the connection.
async fn content(bench: &mut Bench) -> String {
    loop {
        let item = bench.item().await;
        if !matches!(item, FeedItem::State { .. }) {
            return word(&item);
        }
    }
}

/// Connects, acknowledges all seven required channels, and passes the lane's items up to the wait for snapshots.
async fn live(fake: &mut Fake, bench: &mut Bench, generation: u64) -> fake::Socket {
    let mut socket = fake.socket().await;
    let channels = socket.acknowledge(7).await;
    let unfiltered = ["fillnull", "user_ordersnull", "market_positionsnull", "market_lifecycle_v2null"];
    assert_eq!(channels[..4], unfiltered);
    assert_eq!(channels[4..], [r#"orderbook_delta["KXA"]"#, r#"trade["KXA"]"#, r#"ticker["KXA"]"#]);
    // The account's channels may be live before the markets are known.
    let seen = words(bench, 11).await;
    let begins = ["Connecting", "Authenticating", "Subscribing"].map(|state| format!("{state}:{generation}"));
    assert_eq!(seen[..3], begins);
    let waits = ["Snapshotting", "Live"].map(|state| format!("{state}:{generation}"));
    assert!(waits.iter().any(|state| seen.contains(state)), "{seen:?}");
    assert!(seen.contains(&format!("{:?}=5", Channel::OrderbookDelta)), "{seen:?}");
    socket
}

#[tokio::test]
async fn frames_reach_the_books_in_order_and_the_desk_gets_the_account() {
    let mut fake = Fake::open(|_| None).await;
    let mut bench = Bench::start(fake.addr, |config| config.pinned = Some(pinned()));
    let mut socket = live(&mut fake, &mut bench, 1).await;
    socket.send(&format!("{SNAPSHOT}\n")).await;
    for seq in 2..=1_500 {
        socket.send(&delta(seq)).await;
    }
    socket.send(r#"{"type":"fill","sid":1,"msg":{"trade_id":"t","order_id":"o","market_ticker":"KXA","book_side":"bid","yes_price_dollars":"0.5","count_fp":"1","ts_ms":1}}"#).await;
    assert_eq!(word(&bench.item().await), "snapshot 5/1");
    for seq in 2..=1_500 {
        assert_eq!(content(&mut bench).await, format!("delta 5/{seq}"));
    }
    let fill = bench.desk(|message| match message {
        DeskMessage::Private(items) => items.into_iter().find(|item| matches!(item, PrivateItem::Fill(_))),
        _ => None,
    });
    assert!(matches!(fill.await, PrivateItem::Fill(fill) if fill.venue_order_id.as_str() == "o"));
    assert!(bench.tasks.drain(fake::DEADLINE).await, "every task ends");
}

#[tokio::test]
async fn a_broken_connection_is_made_anew_with_all_that_is_wanted() {
    let mut fake = Fake::open(|_| None).await;
    let mut bench = Bench::start(fake.addr, |config| config.pinned = Some(pinned()));
    let mut socket = live(&mut fake, &mut bench, 1).await;
    bench.commands.send(FeedCommand::Want { tickers: vec![Ticker::from("KXB")] }).await.unwrap();
    for _ in 0..3 {
        let command = socket.command().await;
        assert_eq!(command["params"]["action"], "add_markets");
        assert_eq!(command["params"]["market_tickers"][0], "KXB");
    }
    drop(socket);
    assert_eq!(words(&mut bench, 3).await, ["BackingOff:1", "Connecting:2", "Authenticating:2"]);
    let mut socket = fake.socket().await;
    assert_eq!(socket.acknowledge(7).await[4], r#"orderbook_delta["KXA","KXB"]"#);
    assert!(!bench.status.problems().is_empty(), "the books are not there yet");
    socket.send(SNAPSHOT).await;
    socket.send(&SNAPSHOT.replace("KXA", "KXB").replace("\"seq\":1", "\"seq\":2")).await;
    bench.until("the problem is over", |status| status.problems().is_empty()).await;
    assert_eq!(bench.status.feed().generation, Generation(2));
}

#[tokio::test]
async fn a_snapshot_is_asked_for_on_the_present_connection_only() {
    let mut fake = Fake::open(|_| None).await;
    let mut bench = Bench::start(fake.addr, |config| config.pinned = Some(pinned()));
    let mut socket = live(&mut fake, &mut bench, 1).await;
    socket.send(SNAPSHOT).await;
    assert_eq!(content(&mut bench).await, "snapshot 5/1");
    for (generation, sid) in [(0, 5), (1, 77), (1, 5)] {
        let (generation, sid) = (Generation(generation), SubscriptionId(sid));
        let ask = FeedCommand::Snapshot { generation, sid, tickers: pinned() };
        bench.commands.send(ask).await.unwrap();
    }
    let command = socket.command().await;
    assert_eq!(command["params"]["action"], "get_snapshot");
    assert_eq!(command["params"]["sids"][0], 5);
    // No answer, however often it is asked: the second resort is to subscribe anew, and the books hear that they cannot be
    // trusted meanwhile.
    let mut command = socket.command().await;
    // A peer that says nothing is also asked whether it still listens.
    while command["params"]["action"] == "get_snapshot" || command["cmd"] == "list_subscriptions" {
        command = socket.command().await;
    }
    assert_eq!(
        (command["cmd"].as_str(), command["params"]["sids"][0].as_u64()),
        (Some("unsubscribe"), Some(5))
    );
    assert_eq!(socket.acknowledge(1).await, [r#"orderbook_delta["KXA"]"#]);
    assert_eq!(content(&mut bench).await, "unreadable 5/0");
    assert!(content(&mut bench).await.starts_with("OrderbookDelta="));
}

/// The problem of the stream, once there is one.
async fn complaint(bench: &Bench) -> String {
    let find = |status: &outrigger_connectors::VenueStatus| {
        status.problems().into_iter().find(|(part, _)| *part == "stream").map(|(_, problem)| problem.message)
    };
    bench.until("a problem of the stream", |status| find(status).is_some()).await;
    find(&bench.status).unwrap()
}

fn connects(bench: &Bench) -> u64 {
    let counters = bench.status.counters();
    counters.into_iter().find(|(name, _)| *name == "connects").unwrap().1
}

/// Answers every upgrade with `answer`. Returns its address for the stream, and the timestamps it was asked with.
async fn door(answer: impl Fn() -> String + Send + 'static) -> (String, mpsc::Receiver<i64>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/trade-api/ws/v2", listener.local_addr().unwrap());
    let (seen, asked) = mpsc::channel(16);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = vec![0; 4_096];
            let length = stream.read(&mut head).await.unwrap();
            let head = String::from_utf8_lossy(&head[..length]).to_lowercase();
            let (_, rest) = head.split_once("kalshi-access-timestamp: ").unwrap();
            let _ = seen.try_send(rest.lines().next().unwrap().parse().unwrap());
            let _ = stream.write_all(answer().as_bytes()).await;
        }
    });
    (url, asked)
}

#[tokio::test]
async fn a_refusal_that_needs_a_person_says_what_to_do_and_is_not_hammered() {
    let fake = Fake::open(|_| None).await;
    let (door, _asked) = door(|| "HTTP/1.1 404 X\r\ncontent-length: 2\r\n\r\n{}".to_owned()).await;
    let bench = Bench::start(fake.addr, |config| config.urls.websocket = door);
    assert!(complaint(&bench).await.contains("--venue"));
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!((connects(&bench), bench.status.feed().state), (1, FeedState::BackingOff));
    assert_eq!(bench.status.stream().endings(), [("http_status", 1)]);
}

#[tokio::test]
async fn every_attempt_is_signed_anew() {
    let mut fake = Fake::open(|_| None).await;
    let mut bench = Bench::start(fake.addr, |config| config.pinned = Some(pinned()));
    for generation in 1..=3 {
        let socket = live(&mut fake, &mut bench, generation).await;
        tokio::time::sleep(Duration::from_millis(50)).await;
        drop(socket);
        assert_eq!(word(&bench.item().await), format!("BackingOff:{generation}"));
    }
    let signed: Vec<i64> =
        fake.requests("GET", "/ws").iter().map(|at| at.timestamp.parse().unwrap()).collect();
    assert!(signed.len() >= 3 && signed.windows(2).all(|pair| pair[1] - pair[0] >= 50), "{signed:?}");
}

#[tokio::test]
async fn a_signature_refused_for_its_time_is_made_anew_on_the_venues_clock() {
    let fake = Fake::open(|_| None).await;
    // A venue an hour ahead, which says so in its answer.
    let (door, mut asked) = door(|| {
        let ahead = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(1);
        let date = jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&ahead).unwrap();
        let body = r#"{"error":{"code":"header_timestamp_expired","message":"header timestamp expired"}}"#;
        format!("HTTP/1.1 401 X\r\ndate: {date}\r\ncontent-length: {}\r\n\r\n{body}", body.len())
    })
    .await;
    let bench = Bench::start(fake.addr, |config| config.urls.websocket = door);
    assert!(complaint(&bench).await.contains("clock"));
    let first = asked.recv().await.unwrap();
    let second = tokio::time::timeout(fake::DEADLINE, asked.recv()).await.unwrap().unwrap();
    assert!((second - first - 3_600_000).abs() < 30_000, "{first} then {second}");
}

#[tokio::test]
async fn a_clock_that_is_set_makes_everything_suspect_and_the_connection_new() {
    let mut fake = Fake::open(|_| None).await;
    let ahead_us = Arc::new(AtomicI64::new(0));
    let (real, set) = (fake::clock(), Arc::clone(&ahead_us));
    let clock: Clock = Arc::new(move || {
        let now = real();
        Now { wall: WallTime(now.wall.0 + set.load(Relaxed)), ..now }
    });
    let mut bench = Bench::start_at(fake.addr, clock, |config| config.pinned = Some(pinned()));
    let mut socket = live(&mut fake, &mut bench, 1).await;
    socket.send(SNAPSHOT).await;
    bench.until("live", |status| status.feed().state == FeedState::Live).await;
    ahead_us.store(-7_200_000_000, Relaxed);
    let broken = loop {
        if let FeedItem::State { state: FeedState::BackingOff, generation, reason, .. } = bench.item().await {
            break (generation, reason);
        }
    };
    assert!(broken.0 == Generation(1) && broken.1.contains("clock was set"), "{broken:?}");
    let mut socket = fake.socket().await;
    socket.acknowledge(7).await;
    socket.send(SNAPSHOT).await;
    bench.until("live again", |status| status.feed().state == FeedState::Live).await;
    assert_eq!(
        (bench.status.feed().generation, bench.status.stream().trust_back().count()),
        (Generation(2), 1)
    );
    assert_eq!(bench.status.stream().endings(), [("time", 1)]);
}

#[tokio::test]
async fn all_that_passes_on_the_socket_is_shown_as_it_is_and_nothing_of_the_handshake() {
    let mut fake = Fake::open(|_| None).await;
    let mut bench = Bench::start(fake.addr, |config| config.pinned = Some(pinned()));
    let mut socket = live(&mut fake, &mut bench, 1).await;
    for frame in [&format!("{SNAPSHOT}\n"), "{\"type\":", &delta(2)] {
        socket.send(frame).await;
    }
    while word(&bench.item().await) != "delta 5/2" {}
    drop(socket);
    let _second = fake.socket().await;
    let seen = bench.witness.seen.lock().unwrap().clone();
    let first: Vec<&str> =
        seen.iter().filter(|(generation, _)| *generation == 1).map(|(_, words)| words.as_str()).collect();
    let (head, rest) = first.split_at(2);
    assert!(head[0] == "opened" && head[1].starts_with(r#"sent {"id":1,"cmd":"subscribe""#), "{head:?}");
    assert_eq!(rest.iter().filter(|words| words.starts_with(r#"sent {"id":"#)).count(), 6);
    let received: Vec<&str> = rest.iter().filter_map(|words| words.strip_prefix("received ")).collect();
    assert_eq!(received.len(), 7 + 3);
    assert_eq!(received[7..], [&*format!("{SNAPSHOT}\n"), "{\"type\":", &delta(2)]);
    let (last, before) = rest.split_last().unwrap();
    assert!(
        last.starts_with("closed ") && before.iter().all(|words| !words.starts_with("closed")),
        "{first:?}"
    );
    assert!(!seen.iter().any(|(_, words)| words.contains("key-1")), "the handshake is nobody's business");
}

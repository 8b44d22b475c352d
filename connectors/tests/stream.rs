//! The stream against a fake venue: subscriptions, order of items, breaks, resyncs.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test: what fails is a panic that says where"
)]

#[expect(dead_code, reason = "each test binary uses its own part of the bench")]
mod fake;

use fake::{Bench, Fake};
use outrigger_engine::actors::messages::DeskMessage;
use outrigger_engine::domain::{Generation, SubscriptionId, Ticker};
use outrigger_engine::venue::{Channel, FeedCommand, FeedItem, FeedState, MarketFrame, PrivateItem};

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

/// Connects, acknowledges all seven channels, and passes the lane's items up to `Live`.
async fn live(fake: &mut Fake, bench: &mut Bench, generation: u64) -> fake::Socket {
    let mut socket = fake.socket().await;
    let channels = socket.acknowledge(7).await;
    let unfiltered = ["fillnull", "user_ordersnull", "market_positionsnull", "market_lifecycle_v2null"];
    assert_eq!(channels[..4], unfiltered);
    assert_eq!(channels[4..], [r#"orderbook_delta["KXA"]"#, r#"trade["KXA"]"#, r#"ticker["KXA"]"#]);
    // The account's channels may be live before the markets are known.
    let seen = words(bench, 10).await;
    assert_eq!(seen[..2], [format!("Connecting:{generation}"), format!("Subscribing:{generation}")]);
    assert!(seen.contains(&format!("Live:{generation}")), "{seen:?}");
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
        assert_eq!(word(&bench.item().await), format!("delta 5/{seq}"));
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
    assert_eq!(words(&mut bench, 3).await, ["BackingOff:1", "Connecting:2", "Subscribing:2"]);
    let mut socket = fake.socket().await;
    assert_eq!(socket.acknowledge(7).await[4], r#"orderbook_delta["KXA","KXB"]"#);
    assert!(words(&mut bench, 8).await.contains(&"Live:2".to_owned()));
    bench.until("the problem is over", |status| status.problems().is_empty()).await;
    assert_eq!(bench.status.feed().generation, Generation(2));
}

#[tokio::test]
async fn a_snapshot_is_asked_for_on_the_present_connection_only() {
    let mut fake = Fake::open(|_| None).await;
    let mut bench = Bench::start(fake.addr, |config| config.pinned = Some(pinned()));
    let mut socket = live(&mut fake, &mut bench, 1).await;
    for (generation, sid) in [(0, 5), (1, 77), (1, 5)] {
        let (generation, sid) = (Generation(generation), SubscriptionId(sid));
        let ask = FeedCommand::Snapshot { generation, sid, tickers: pinned() };
        bench.commands.send(ask).await.unwrap();
    }
    let command = socket.command().await;
    assert_eq!(command["params"]["action"], "get_snapshot");
    assert_eq!(command["params"]["sids"][0], 5);
    // No answer: the second resort is to subscribe anew, and the books hear that they cannot be trusted meanwhile.
    let command = socket.command().await;
    assert_eq!(
        (command["cmd"].as_str(), command["params"]["sids"][0].as_u64()),
        (Some("unsubscribe"), Some(5))
    );
    assert_eq!(socket.acknowledge(1).await, [r#"orderbook_delta["KXA"]"#]);
    let seen = words(&mut bench, 2).await;
    assert_eq!(seen[0], "unreadable 5/0");
    assert!(seen[1].starts_with("OrderbookDelta="), "{seen:?}");
}

#[tokio::test]
async fn a_refused_upgrade_is_said_in_plain_words_and_tried_again() {
    // The REST side answers, so only the stream is in trouble: it is asked for at a path the fake does not serve.
    let mut fake = Fake::open(|_| None).await;
    let bench = Bench::start(fake.addr, |config| {
        config.urls.websocket = config.urls.websocket.replace("/ws/v2", "/v2/markets");
        config.pinned = Some(pinned());
    });
    bench
        .until("a problem of the stream", |status| {
            status.problems().iter().any(|(part, _)| *part == "stream")
        })
        .await;
    bench.until("more tries", |status| status.counters().contains(&("connects", 3))).await;
    assert!(fake.sockets.try_recv().is_err());
    assert_ne!(bench.status.feed().state, FeedState::Live);
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

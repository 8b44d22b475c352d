//! The live channels, driven by an exchange that the test controls, seen by raw clients.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::fake::{
    Fake, ID_A, created, delta, event, fill, lifecycle, own_delta, position, ticker, trade, user_order,
};
use super::message::{MarketChange, Outgoing};
use super::port::BookState;
use crate::socket::Feed;
use crate::socket::client::{Client, TestKey, run, serve};
use crate::venue::event::Leg;

async fn subscribe(client: &mut Client, params: &str) -> Value {
    client.send(&format!(r#"{{"id":1,"cmd":"subscribe","params":{{{params}}}}}"#)).await;
    let ack = client.json().await;
    assert_eq!(ack["type"], "subscribed", "{ack}");
    ack
}

fn exchange() -> (Arc<Fake>, std::net::SocketAddr) {
    let fake = Fake::new();
    let (addr, _stop) = serve(Feed::over(Arc::clone(&fake)));
    (fake, addr)
}

const BOOK_A: &str = r#""channels":["orderbook_delta"],"market_tickers":["A"]"#;

#[test]
fn a_snapshot_is_spliced_with_the_changes_after_its_clock() {
    run(async {
        let (fake, addr) = exchange();
        let mut client = Client::connect(addr).await;
        subscribe(&mut client, BOOK_A).await;
        let snapshot = client.json().await;
        assert_eq!((&snapshot["sid"], &snapshot["seq"]), (&json!(1), &json!(1)));
        let expected = json!({"market_ticker":"A","market_id":ID_A,"clock":5,
            "yes_dollars_fp":[["0.4600","7.00"],["0.4700","3.00"]],"no_dollars_fp":[["0.4800","2.00"]]});
        assert_eq!(snapshot["msg"], expected);
        let change = |clock| Outgoing::BookDelta(delta("A", clock, Leg::Yes, 4_700, -300));
        let foreign = Outgoing::BookDelta(delta("B", 9, Leg::Yes, 1, 1));
        fake.publish(&[change(4), change(5), foreign, change(6), change(6)]);
        for seq in [2, 3] {
            let frame = client.json().await;
            assert_eq!((&frame["seq"], &frame["msg"]["clock"]), (&json!(seq), &json!(6)));
            assert_eq!(
                (&frame["msg"]["price_dollars"], &frame["msg"]["delta_fp"]),
                (&json!("0.4700"), &json!("-3.00"))
            );
            assert_eq!(frame["msg"]["ts"], "2026-09-21T14:13:20.123456Z");
        }
    });
}

#[test]
fn a_requested_snapshot_moves_the_splice() {
    run(async {
        let (fake, addr) = exchange();
        let mut client = Client::connect(addr).await;
        subscribe(&mut client, BOOK_A).await;
        client.json().await;
        fake.add_market("A", BookState { clock: 8, market_id: ID_A.to_owned(), ..BookState::default() });
        client.send(r#"{"id":9,"cmd":"update_subscription","params":{"sids":[1],"action":"get_snapshot","market_tickers":["A","Z"]}}"#).await;
        let snapshot = client.json().await;
        assert_eq!((&snapshot["id"], &snapshot["seq"]), (&json!(9), &json!(2)));
        // Both sides are empty, so both keys are absent.
        assert_eq!(snapshot["msg"], json!({"market_ticker":"A","market_id":ID_A,"clock":8}));
        let error = client.json().await;
        assert_eq!((&error["id"], &error["msg"]["market_tickers"]), (&json!(9), &json!(["Z"])));
        let change = |clock| Outgoing::BookDelta(delta("A", clock, Leg::Yes, 4_700, 100));
        fake.publish(&[change(7), change(8), change(9)]);
        let frame = client.json().await;
        assert_eq!((&frame["seq"], &frame["msg"]["clock"]), (&json!(3), &json!(9)));
    });
}

#[test]
fn own_changes_are_tagged_for_their_owner_only_and_at_yes_prices_on_request() {
    run(async {
        let (fake, addr) = exchange();
        let mut mine = Client::connect(addr).await;
        let mut other = Client::connect_as(addr, &TestKey::new(2), "other-key").await;
        subscribe(&mut mine, BOOK_A).await;
        subscribe(&mut other, &format!(r#"{BOOK_A},"use_yes_price":true"#)).await;
        mine.json().await;
        assert_eq!(other.json().await["msg"]["no_dollars_fp"], json!([["0.5200", "2.00"]]));
        fake.publish(&[Outgoing::BookDelta(own_delta(6))]);
        let (tagged, plain) = (mine.json().await, other.json().await);
        assert_eq!(
            (&tagged["msg"]["client_order_id"], &tagged["msg"]["subaccount"]),
            (&json!("mine-\"1\""), &json!(3))
        );
        assert_eq!(tagged["msg"]["price_dollars"], "0.4800");
        assert_eq!((plain["msg"].get("client_order_id"), plain["msg"].get("subaccount")), (None, None));
        assert_eq!((&plain["msg"]["price_dollars"], &plain["msg"]["side"]), (&json!("0.5200"), &json!("no")));
    });
}

#[test]
fn a_market_subscribed_before_it_exists_brings_its_book_when_it_does() {
    run(async {
        let (fake, addr) = exchange();
        let mut client = Client::connect(addr).await;
        subscribe(&mut client, r#""channels":["orderbook_delta"],"market_tickers":["NEW"]"#).await;
        subscribe(&mut client, r#""channels":["market_lifecycle_v2"]"#).await;
        fake.add_market("NEW", BookState { market_id: ID_A.to_owned(), ..BookState::default() });
        fake.publish(&[Outgoing::EventLifecycle(event()), Outgoing::MarketLifecycle(created())]);
        fake.publish(&[Outgoing::BookDelta(delta("NEW", 1, Leg::No, 10, 5))]);
        let kinds = [client.json().await, client.json().await, client.json().await, client.json().await];
        let kinds = kinds.map(|frame| {
            (frame["type"].as_str().unwrap().to_owned(), frame["sid"].clone(), frame["seq"].clone())
        });
        let expected = [
            ("event_lifecycle", 2, 1),
            ("market_lifecycle_v2", 2, 2),
            ("orderbook_snapshot", 1, 1),
            ("orderbook_delta", 1, 2),
        ];
        assert_eq!(kinds, expected.map(|(kind, sid, seq)| (kind.to_owned(), json!(sid), json!(seq))));
        let determined =
            MarketChange::Determined { determination_ts: 0, result: "yes", settlement_value: 10_000 };
        fake.publish(&[Outgoing::MarketLifecycle(lifecycle(determined))]);
        assert_eq!(client.json().await["msg"]["settlement_value"], "1.0000");
        assert_eq!(client.json().await["type"], "orderbook_snapshot");
    });
}

#[test]
fn private_messages_go_to_their_account_only() {
    run(async {
        let (fake, addr) = exchange();
        let channels = r#""channels":["fill","user_orders","market_positions","trade"]"#;
        let mut mine = Client::connect(addr).await;
        let mut other = Client::connect_as(addr, &TestKey::new(2), "other-key").await;
        for client in [&mut mine, &mut other] {
            subscribe(client, channels).await;
            for _ in 0..3 {
                client.json().await;
            }
        }
        let private =
            [Outgoing::UserOrder(user_order()), Outgoing::Fill(fill()), Outgoing::Position(position())];
        fake.publish(&private);
        fake.publish(&[Outgoing::Trade(trade())]);
        let kinds = [mine.json().await, mine.json().await, mine.json().await, mine.json().await];
        assert_eq!(
            kinds.map(|frame| frame["type"].clone()),
            ["user_order", "fill", "market_position", "trade"]
        );
        assert_eq!(other.json().await["type"], "trade");
    });
}

#[test]
fn tickers_come_first_on_request_then_once_a_second_with_the_newest_state() {
    run(async {
        let (fake, addr) = exchange();
        let mut client = Client::connect(addr).await;
        let begun = Instant::now();
        let params = format!(r#""channels":["ticker"],"market_ids":["{ID_A}"],"send_initial_snapshot":true"#);
        subscribe(&mut client, &params).await;
        assert_eq!(client.json().await["msg"]["volume_fp"], "0.00");
        for volume in [100, 200, 300] {
            fake.publish(&[Outgoing::Ticker(ticker(volume))]);
        }
        assert_eq!(client.json().await["msg"]["volume_fp"], "1.00");
        assert_eq!(client.json().await["msg"]["volume_fp"], "3.00");
        assert!(begun.elapsed() >= Duration::from_secs(1));
        let add = format!(
            r#"{{"id":2,"cmd":"update_subscription","params":{{"sid":1,"action":"add_markets","market_ids":["{ID_A}"]}}}}"#
        );
        client.send(&add).await;
        assert_eq!(client.json().await["msg"], json!({"market_ids":[ID_A]}));
    });
}

#[test]
fn a_slow_reader_loses_its_subscriptions_and_can_come_back() {
    run(async {
        let (fake, addr) = exchange();
        let mut client = Client::connect(addr).await;
        subscribe(&mut client, BOOK_A).await;
        client.json().await;
        // More than the socket, the outbox and the shared stream hold, and the client reads none of it.
        let batch: Vec<_> =
            (0..100).map(|n| Outgoing::BookDelta(delta("A", 6 + n, Leg::Yes, 1, 1))).collect();
        for _ in 0..3_000 {
            fake.publish(&batch);
        }
        let mut seq = 1;
        let error = loop {
            let frame = client.json().await;
            seq += 1;
            assert_eq!(frame["seq"], seq);
            if frame["type"] == "error" {
                break frame;
            }
        };
        assert_eq!((&error["sid"], &error["msg"]["code"]), (&json!(1), &json!(25)));
        let ack = subscribe(&mut client, BOOK_A).await;
        assert_eq!(ack["msg"]["sid"], 2);
        assert_eq!(client.json().await["seq"], 1);
    });
}

#[test]
fn a_burst_does_not_cut_off_a_client_that_reads() {
    run(async {
        let (fake, addr) = exchange();
        let mut client = Client::connect(addr).await;
        subscribe(&mut client, BOOK_A).await;
        client.json().await;
        // About 9 MB at once, more than one client's outbox may hold.
        let batch: Vec<_> = (0..30).map(|n| Outgoing::BookDelta(delta("A", 6 + n, Leg::Yes, 1, 1))).collect();
        for _ in 0..1_000 {
            fake.publish(&batch);
        }
        for seq in 2..=30_001 {
            let frame = client.json().await;
            assert_eq!((&frame["type"], &frame["seq"]), (&json!("orderbook_delta"), &json!(seq)));
        }
    });
}

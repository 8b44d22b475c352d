//! Section 10 of the protocol, and the facts that recorded sessions show.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use crate::pattern::fit;
use crate::world::{Client, ORDERS, Who, World, order};

fn subscribe(id: u32, ticker: &str, use_yes_price: bool) -> Value {
    let params = json!({
        "channels": ["orderbook_delta"], "market_tickers": [ticker], "use_yes_price": use_yes_price,
    });
    json!({ "id": id, "cmd": "subscribe", "params": params })
}

fn expect(pattern: Value, frame: &Value) {
    assert_eq!(fit(&pattern, frame, "frame"), Ok(()), "{frame}");
}

#[tokio::test]
async fn books_are_seen_from_either_side() {
    let world = World::new();
    let ticker = world.market();
    world.place(Who::Bob, order(ticker, "ask", "0.52", "2"));
    for (use_yes_price, shown) in [(true, "0.5200"), (false, "0.4800")] {
        let mut client = Client::connect(world.addr).await;
        client.send(subscribe(1, ticker, use_yes_price)).await;
        let text = client.text().await;
        assert!(text.ends_with("}\n"), "10: frames end with a newline: {text:?}");
        let msg = json!({ "channel": "orderbook_delta", "sid": 1 });
        let ack = json!({ "type": "subscribed", "id": 1, "sending_ts_ms": "<ms>", "msg": msg });
        expect(ack, &serde_json::from_str(&text).unwrap());
        let text = client.text().await;
        assert!(text.ends_with("}\n"));
        // The empty side has no key.
        let msg = json!({
            "market_ticker": ticker, "market_id": "<uuid>", "clock": "<any>", "no_dollars_fp": [[shown, "2.00"]],
        });
        expect(
            json!({ "type": "orderbook_snapshot", "sid": 1, "seq": 1, "sending_ts_ms": "<ms>", "msg": msg }),
            &serde_json::from_str(&text).unwrap(),
        );
    }
}

#[tokio::test]
async fn ok_takes_a_number_of_the_subscription() {
    let world = World::new();
    let (one, two) = (world.market(), world.market());
    let mut client = Client::connect(world.addr).await;
    client.send(subscribe(1, one, true)).await;
    assert_eq!(client.json().await["type"], "subscribed");
    assert_eq!(client.json().await["seq"], 1);
    let add = json!({ "sid": 1, "action": "add_markets", "market_tickers": [two] });
    client.send(json!({ "id": 2, "cmd": "update_subscription", "params": add })).await;
    let (first, second) = (client.json().await, client.json().await);
    assert_eq!((&first["seq"], &second["seq"]), (&json!(2), &json!(3)), "{first} {second}");
    let ok = if first["type"] == "ok" { &first } else { &second };
    expect(
        json!({
            "type": "ok", "id": 2, "sid": 1, "seq": "<any>", "sending_ts_ms": "<ms>",
            "msg": { "market_tickers": [one, two] },
        }),
        ok,
    );
    world.place(Who::Bob, order(one, "bid", "0.10", "1"));
    assert_eq!(client.json().await["seq"], 4);
    client.send(json!({ "id": 3, "cmd": "unsubscribe", "params": { "sids": [1] } })).await;
    let ended = client.json().await;
    expect(json!({ "type": "unsubscribed", "id": 3, "sid": 1, "seq": 5, "sending_ts_ms": "<ms>" }), &ended);
}

#[tokio::test]
async fn a_bad_channel_leaves_the_others_alone() {
    let world = World::new();
    let mut client = Client::connect(world.addr).await;
    let params = json!({ "channels": ["ticker", "nonsense", "trade"] });
    client.send(json!({ "id": 9, "cmd": "subscribe", "params": params })).await;
    let frames = [client.json().await, client.json().await, client.json().await];
    let of = |kind: &str| frames.iter().filter(|frame| frame["type"] == kind).count();
    assert_eq!((of("subscribed"), of("error")), (2, 1), "{frames:?}");
    assert!(frames.iter().all(|frame| frame["id"] == 9));
    let error = frames.iter().find(|frame| frame["type"] == "error").unwrap();
    let msg = json!({ "code": 8, "msg": "Unknown channel name" });
    expect(json!({ "type": "error", "id": 9, "sending_ts_ms": "<ms>", "msg": msg }), error);
}

#[tokio::test]
async fn a_book_that_closes_ends_with_an_empty_snapshot() {
    let world = World::new();
    let ticker = world.fresh();
    let mut client = Client::connect(world.addr).await;
    client.send(subscribe(1, ticker, true)).await;
    let (_, opening) = (client.json().await, client.json().await);
    assert!(opening["msg"]["yes_dollars_fp"].is_array());
    let path = format!("/control/markets/{ticker}");
    assert_eq!(world.post(&path, json!({ "action": "close" })).status, 200);
    let mut seq = 1;
    let last = loop {
        let frame = client.json().await;
        seq += 1;
        assert_eq!(frame["seq"], seq);
        if frame["type"] == "orderbook_snapshot" {
            break frame;
        }
        assert_eq!(frame["type"], "orderbook_delta");
    };
    expect(json!({ "market_ticker": ticker, "market_id": "<uuid>", "clock": "<any>" }), &last["msg"]);
}

#[tokio::test]
async fn the_exchange_pings_with_a_payload_after_ten_seconds() {
    let world = World::new();
    let mut client = Client::connect(world.addr).await;
    let begun = Instant::now();
    match client.message().await {
        Some(Message::Ping(payload)) => assert_eq!(payload.as_ref(), b"heartbeat"),
        other => panic!("unexpected {other:?}"),
    }
    let waited = begun.elapsed();
    assert!((Duration::from_secs(9)..Duration::from_secs(11)).contains(&waited), "{waited:?}");
}

#[tokio::test]
async fn a_closed_socket_is_closed_below_as_well() {
    let world = World::new();
    let mut client = Client::connect(world.addr).await;
    let begun = Instant::now();
    client.stream.close(None).await.unwrap();
    assert!(matches!(client.message().await, Some(Message::Close(_))));
    assert!(client.message().await.is_none());
    assert!(begun.elapsed() < Duration::from_millis(300), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_private_fill_carries_the_resting_price() {
    let world = World::new();
    let ticker = world.market();
    world.place(Who::Bob, order(ticker, "ask", "0.52", "1"));
    let mut client = Client::connect(world.addr).await;
    client.send(json!({ "id": 1, "cmd": "subscribe", "params": { "channels": ["fill"] } })).await;
    assert_eq!(client.json().await["type"], "subscribed");
    assert_eq!(world.post(ORDERS, order(ticker, "bid", "0.99", "1")).status, 201);
    let frame = client.json().await;
    assert_eq!((&frame["type"], &frame["seq"]), (&json!("fill"), &Value::Null));
    let msg = &frame["msg"];
    assert_eq!((&msg["yes_price_dollars"], &msg["fee_cost"]), (&json!("0.5200"), &json!("0.017500")));
}

//! Faults in the frames of a socket.

use std::time::{Duration, Instant};

use futures_util::SinkExt as _;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use crate::world::{Client, ORDERS, World, order};

/// Rules meet the snapshot as their first frame, so the nth delta is match n + 1.
async fn watching(rule: &str) -> (World, Client) {
    let world = World::with(&format!("[[faults]]\nchannel = 'orderbook_delta'\n{rule}"));
    let mut client = Client::connect(world.addr).await.unwrap();
    client.subscribe("orderbook_delta", &world.markets[0]).await;
    let snapshot = client.json().await;
    assert_eq!((&snapshot["type"], &snapshot["seq"]), (&json!("orderbook_snapshot"), &json!(1)));
    (world, client)
}

/// Makes `count` deltas of one contract each.
fn trade(world: &World, count: usize) {
    for id in 0..count {
        assert_eq!(world.post(ORDERS, world.order(&format!("o{id}"))).status, 201);
    }
}

/// Reads deltas: their `seq`, and how far their clock is from that of the first delta there ever was.
async fn deltas(client: &mut Client, count: usize) -> Vec<(i64, String)> {
    let mut read = Vec::new();
    for _ in 0..count {
        let frame = client.json().await;
        assert_eq!(frame["type"], "orderbook_delta", "{frame}");
        let id = frame["msg"]["client_order_id"].as_str().unwrap().to_owned();
        read.push((frame["seq"].as_i64().unwrap(), id));
    }
    read
}

fn named(list: &[(i64, &str)]) -> Vec<(i64, String)> {
    list.iter().map(|(seq, id)| (*seq, (*id).to_owned())).collect()
}

#[tokio::test]
async fn a_frame_is_lost_with_its_number() {
    let (world, mut client) = watching("fault = 'drop'\nnth = 3").await;
    trade(&world, 3);
    assert_eq!(deltas(&mut client, 2).await, named(&[(2, "o0"), (4, "o2")]));
    world.streams_well().await;
}

#[tokio::test]
async fn a_frame_is_lost_without_a_trace_in_the_numbers() {
    let (world, mut client) = watching("fault = 'drop'\nconsume_seq = false\nnth = 3").await;
    trade(&world, 3);
    assert_eq!(deltas(&mut client, 2).await, named(&[(2, "o0"), (3, "o2")]));
    world.streams_well().await;
}

#[tokio::test]
async fn numbers_are_skipped_and_nothing_is_lost() {
    let (world, mut client) = watching("fault = 'gap'\nby = 5\nnth = 3").await;
    trade(&world, 3);
    assert_eq!(deltas(&mut client, 3).await, named(&[(2, "o0"), (8, "o1"), (9, "o2")]));
    world.streams_well().await;
}

#[tokio::test]
async fn a_frame_comes_twice() {
    let (world, mut client) = watching("fault = 'duplicate'\nnth = 2").await;
    trade(&world, 2);
    assert_eq!(deltas(&mut client, 3).await, named(&[(2, "o0"), (2, "o0"), (3, "o1")]));
    world.streams_well().await;
}

#[tokio::test]
async fn a_frame_comes_after_the_next() {
    let (world, mut client) = watching("fault = 'reorder'\nnth = 2").await;
    trade(&world, 3);
    assert_eq!(deltas(&mut client, 3).await, named(&[(3, "o1"), (2, "o0"), (4, "o2")]));
    world.streams_well().await;
}

#[tokio::test]
async fn a_reordered_frame_comes_though_no_other_does() {
    let (world, mut client) = watching("fault = 'reorder'\nms = 1_500\nnth = 2").await;
    trade(&world, 1);
    client.is_silent().await;
    assert_eq!(deltas(&mut client, 1).await, named(&[(2, "o0")]));
    world.streams_well().await;
}

#[tokio::test]
async fn a_frame_is_late_and_all_behind_it_too() {
    let (world, mut client) = watching("fault = 'delay'\nms = 1_500\nnth = 2").await;
    let began = Instant::now();
    trade(&world, 2);
    client.is_silent().await;
    assert_eq!(deltas(&mut client, 2).await, named(&[(2, "o0"), (3, "o1")]));
    assert!(began.elapsed() >= Duration::from_millis(1_500));
    world.streams_well().await;
}

#[tokio::test]
async fn a_frame_of_malformed_json() {
    let (world, mut client) = watching("fault = 'malformed'\nnth = 2").await;
    trade(&world, 2);
    let text = client.text().await;
    assert!(text.contains("orderbook_delta") && serde_json::from_str::<Value>(&text).is_err(), "{text}");
    assert_eq!(deltas(&mut client, 1).await, named(&[(3, "o1")]));
    world.streams_well().await;
}

#[tokio::test]
async fn a_frame_of_an_unknown_type() {
    let (world, mut client) = watching("fault = 'unknown_type'\nnth = 2").await;
    trade(&world, 1);
    assert_eq!(client.json().await["type"], "x_unknown");
    assert_eq!(deltas(&mut client, 1).await, named(&[(2, "o0")]));
    world.streams_well().await;
}

#[tokio::test]
async fn a_frame_with_unknown_fields() {
    let (world, mut client) = watching("fault = 'unknown_fields'\nnth = 2").await;
    trade(&world, 2);
    let frame = client.json().await;
    assert!(frame["x_unknown"].is_object() && frame["msg"]["x_unknown"].is_object());
    assert_eq!((&frame["seq"], &frame["msg"]["client_order_id"]), (&json!(2), &json!("o0")));
    assert_eq!(deltas(&mut client, 1).await, named(&[(3, "o1")]));
    world.streams_well().await;
}

#[tokio::test]
async fn a_huge_frame() {
    let (world, mut client) = watching("fault = 'huge'\nbytes = 3_000_000\nnth = 2").await;
    trade(&world, 2);
    let text = client.text().await;
    assert!(text.len() > 3_000_000);
    assert_eq!(serde_json::from_str::<Value>(&text).unwrap()["seq"], 2);
    assert_eq!(deltas(&mut client, 1).await, named(&[(3, "o1")]));
    world.streams_well().await;
}

#[tokio::test]
async fn an_overflow_ends_every_subscription_and_leaves_the_connection() {
    let (world, mut client) = watching("fault = 'overflow'\nnth = 2").await;
    trade(&world, 1);
    assert_eq!(deltas(&mut client, 1).await, named(&[(2, "o0")]));
    let ended = client.json().await;
    assert_eq!((&ended["type"], &ended["sid"], &ended["seq"]), (&json!("error"), &json!(1), &json!(3)));
    assert_eq!(ended["msg"]["code"], 25);
    assert_eq!(world.post(ORDERS, world.order("unheard")).status, 201);
    client.is_silent().await;
    client.subscribe("orderbook_delta", &world.markets[0]).await;
    assert_eq!(client.json().await["type"], "orderbook_snapshot");
    world.streams_well().await;
}

#[tokio::test]
async fn a_mute_socket_answers_pings() {
    let (world, mut client) = watching("fault = 'mute'\nms = 1_500\nnth = 2").await;
    trade(&world, 2);
    client.stream.send(Message::Ping("are you there".into())).await.unwrap();
    assert_eq!(client.next().await.unwrap(), Some(Message::Pong("are you there".into())));
    client.send(json!({ "id": 9, "cmd": "list_subscriptions" })).await;
    client.is_silent().await;
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    assert_eq!(world.post(ORDERS, world.order("late")).status, 201);
    assert_eq!(deltas(&mut client, 1).await, named(&[(4, "late")]));
    world.streams_well().await;
}

#[tokio::test]
async fn a_rule_for_one_market_leaves_the_others_alone() {
    let world = World::controlled();
    let [other, hit] = &world.markets;
    let rule = json!({ "market": hit, "channel": "orderbook_delta", "fault": "drop" });
    assert_eq!(world.post("/control/faults", rule).status, 200);
    let mut client = Client::connect(world.addr).await.unwrap();
    let params = json!({ "channels": ["orderbook_delta"], "market_tickers": [other, hit] });
    client.send(json!({ "id": 1, "cmd": "subscribe", "params": params })).await;
    assert_eq!(client.json().await["type"], "subscribed");
    assert_eq!(client.json().await["msg"]["market_ticker"], **other);
    assert_eq!(world.post(ORDERS, order(hit, "unseen")).status, 201);
    assert_eq!(world.post(ORDERS, order(other, "seen")).status, 201);
    assert_eq!(deltas(&mut client, 1).await[0].1, "seen");
    world.call("DELETE", "/control/faults", None);
    world.streams_well().await;
}

#[tokio::test]
async fn a_command_is_not_heard_or_heard_twice() {
    let world = World::with(
        "[[faults]]\nsocket = 'command'\nfault = 'drop'\nnth = 1
         [[faults]]\nsocket = 'command'\nfault = 'duplicate'\nnth = 2",
    );
    let mut client = Client::connect(world.addr).await.unwrap();
    client.send(json!({ "id": 1, "cmd": "list_subscriptions" })).await;
    client.is_silent().await;
    client.send(json!({ "id": 2, "cmd": "list_subscriptions" })).await;
    let (first, second) = (client.json().await, client.json().await);
    assert_eq!((&first["id"], &second["id"]), (&json!(2), &json!(2)));
    client.is_silent().await;
    world.streams_well().await;
}

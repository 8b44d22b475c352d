//! The stream as a client program meets it, with a real WebSocket client.

use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use outrigger_engine::domain::{Leg, Now};
use outrigger_engine::stream::{Alert, Announcement, HubLimits, OutboxLimits};

use super::world::{TICKER, World, book};

struct Client(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Client {
    async fn connect(world: &World, token: &str, query: &str) -> Result<Client, tungstenite::Error> {
        let url = format!("ws://{}/v1/stream{query}", world.address);
        let mut request = url.into_client_request().unwrap();
        if !token.is_empty() {
            let value = format!("Bearer {token}").parse().unwrap();
            request.headers_mut().insert("authorization", value);
        }
        connect_async(request).await.map(|(socket, _)| Client(socket))
    }

    async fn open(world: &World) -> Client {
        let mut client = Client::connect(world, "reader", "").await.unwrap();
        assert_eq!(client.json().await["op"], "hello");
        client
    }

    async fn say(&mut self, message: Value) {
        self.0.send(Message::text(message.to_string())).await.unwrap();
    }

    async fn message(&mut self) -> Message {
        let next = tokio::time::timeout(Duration::from_secs(10), self.0.next()).await;
        next.expect("a message in time").expect("not over").expect("no error")
    }

    async fn json(&mut self) -> Value {
        loop {
            if let Message::Text(text) = self.message().await {
                return serde_json::from_str(&text).unwrap();
            }
        }
    }

    async fn closed(&mut self) -> (u16, String) {
        loop {
            if let Message::Close(frame) = self.message().await {
                let frame = frame.expect("a close says why");
                return (frame.code.into(), frame.reason.to_string());
            }
        }
    }
}

async fn alert(world: &World, n: u64) {
    let alert = Alert { code: "OUT-TEST-001", message: n.to_string() };
    world.facts.send(Announcement::Alert(alert)).await.unwrap();
}

#[actix_web::test]
async fn a_book_comes_as_snapshot_and_deltas() {
    let world = World::start(HubLimits::default());
    let mut client = Client::connect(&world, "reader", "").await.unwrap();
    let hello = client.json().await;
    assert_eq!(
        (&hello["op"], &hello["env"], &hello["epoch"]),
        (&json!("hello"), &json!("sim"), &json!("e1"))
    );
    assert_eq!(hello["limits"]["silent_after_ms"], 30_000);
    client.say(json!({ "id": 1, "op": "subscribe", "topics": [format!("book:{TICKER}")] })).await;
    assert_eq!(client.json().await["op"], "subscribed");
    let snapshot = client.json().await;
    assert_eq!(snapshot["kind"], "snapshot");
    assert_eq!(snapshot["data"], serde_json::to_value(book(TICKER)).unwrap());
    let delta = Announcement::BookDelta {
        ticker: TICKER.into(),
        leg: Leg::No,
        price: "0.48".parse().unwrap(),
        count: "0".parse().unwrap(),
        seq: 8,
        venue_time: None,
        received: Now::default(),
    };
    world.facts.send(delta).await.unwrap();
    let delta = client.json().await;
    assert_eq!((&delta["kind"], &delta["offset"]), (&json!("delta"), &json!(1)));
    assert_eq!(delta["data"]["no"], json!([["0.4800", "0.00"]]));
}

#[actix_web::test]
async fn resume_continues_where_a_cut_client_was() {
    let world = World::start(HubLimits::default());
    let mut client = Client::open(&world).await;
    client.say(json!({ "id": 1, "op": "subscribe", "topics": ["alerts"] })).await;
    client.json().await;
    assert_eq!(client.json().await["data"], json!({ "alerts": [] }));
    alert(&world, 1).await;
    let last = client.json().await;
    drop(client);
    alert(&world, 2).await;
    alert(&world, 3).await;
    let mut client = Client::open(&world).await;
    let position = json!({ "epoch": last["epoch"], "offset": last["offset"] });
    client
        .say(json!({ "id": 2, "op": "subscribe", "topics": ["alerts"], "from": { "alerts": position } }))
        .await;
    assert_eq!(client.json().await["topics"][0]["resume"], "replayed");
    assert_eq!(client.json().await["data"]["message"], "2");
    assert_eq!(client.json().await["offset"], 3);
}

#[actix_web::test]
async fn mistakes_are_answered_and_the_session_goes_on() {
    let world = World::start(HubLimits::default());
    let mut client = Client::open(&world).await;
    client.0.send(Message::text("{")).await.unwrap();
    assert_eq!(client.json().await["code"], "OUT-STREAM-001");
    client.say(json!({ "id": 2, "op": "subscribe", "topics": ["book:NONE"] })).await;
    let refusal = client.json().await;
    assert_eq!((&refusal["id"], &refusal["code"]), (&json!(2), &json!("OUT-MARKET-001")));
    client.say(json!({ "id": 3, "op": "ping" })).await;
    assert_eq!(client.json().await, json!({ "op": "pong", "id": 3 }));
    client.say(json!({ "id": 4, "op": "list" })).await;
    assert_eq!(client.json().await, json!({ "op": "list", "id": 4, "topics": [] }));
    client.0.send(Message::Ping(b"x".to_vec().into())).await.unwrap();
    assert_eq!(client.message().await, Message::Pong(b"x".to_vec().into()));
    client.0.send(Message::binary(vec![1])).await.unwrap();
    assert_eq!(client.closed().await.0, 1003);
}

#[actix_web::test]
async fn hostile_clients_are_closed() {
    let world = World::start(HubLimits::default());
    let mut large = Client::open(&world).await;
    large.0.send(Message::text("x".repeat(70_000))).await.unwrap();
    assert_eq!(large.closed().await.0, 1009);
    let mut flood = Client::open(&world).await;
    for id in 0..101 {
        flood.say(json!({ "id": id, "op": "list" })).await;
    }
    assert_eq!(flood.closed().await.0, 1008);
}

#[actix_web::test]
async fn a_client_that_does_not_read_is_told_where_to_resume() {
    let outbox = OutboxLimits { frames_max: 8, bytes_max: 1 << 20 };
    let world = World::start(HubLimits { outbox, ..HubLimits::default() });
    let mut client = Client::open(&world).await;
    client.say(json!({ "id": 1, "op": "subscribe", "topics": ["alerts"] })).await;
    client.json().await;
    client.json().await;
    let wide = "x".repeat(100_000);
    let alert = || Announcement::Alert(Alert { code: "OUT-TEST-001", message: wide.clone() });
    for _ in 0..200 {
        world.facts.send(alert()).await.unwrap();
    }
    let mut last = 0;
    let (code, reason) = loop {
        match client.message().await {
            Message::Text(text) => {
                let frame: Value = serde_json::from_str(&text).unwrap();
                assert_eq!(frame["offset"], last + 1, "no frame is left out");
                last += 1;
            }
            Message::Close(frame) => {
                let frame = frame.unwrap();
                break (u16::from(frame.code), frame.reason.to_string());
            }
            _ => {}
        }
    };
    assert_eq!((code, reason), (1013, format!("slow client; resume epoch e1 alerts={last}")));
}

#[actix_web::test]
async fn only_tokens_and_fresh_tickets_open_it() {
    let world = World::start(HubLimits::default());
    for (token, query) in [("", ""), ("stranger", ""), ("", "?ticket=x"), ("", "?token=reader")] {
        let Err(tungstenite::Error::Http(answer)) = Client::connect(&world, token, query).await else {
            panic!("{token:?} {query:?} was let in");
        };
        assert_eq!(answer.status(), 401, "{token:?} {query:?}");
    }
    let ticket = || async {
        let (status, _, body) = World::send(world.request("POST", "/v1/stream/ticket", "reader")).await;
        assert_eq!(status, 201);
        format!("?ticket={}", body["ticket"].as_str().unwrap())
    };
    let first = ticket().await;
    assert!(Client::connect(&world, "", &first).await.is_ok());
    assert!(Client::connect(&world, "", &first).await.is_err(), "used");
    let late = ticket().await;
    world.clock_ms.fetch_add(10_000, Relaxed);
    assert!(Client::connect(&world, "", &late).await.is_err(), "too old");
    let (status, _, body) = World::send(world.request("GET", "/v1/stream", "reader")).await;
    assert_eq!((status, &body["code"]), (426, &json!("OUT-HTTP-009")));
}

#[actix_web::test]
async fn what_clients_do_is_told_on_audit() {
    let world = World::start(HubLimits::default());
    let mut client = Client::open(&world).await;
    client.say(json!({ "id": 1, "op": "subscribe", "topics": ["audit"] })).await;
    client.json().await;
    client.json().await;
    let order = json!({ "ticker": TICKER, "side": "ask", "price": "0.5600", "count": "1.00" });
    let (_, _, placed) = world.post_order("k", order).await;
    let event = client.json().await["data"].clone();
    assert_eq!((&event["action"], &event["client"]), (&json!("order.place"), &json!("trader")));
    assert_eq!((&event["target"], &event["outcome"]), (&placed["order_id"], &json!("ok")));
}

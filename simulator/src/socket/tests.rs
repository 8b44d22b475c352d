//! The connection itself: upgrade, commands that need no market, control frames, limits, the end.

use std::path::Path;

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use super::client::{Client, run, serve};
use super::{Feed, PATH};
use crate::replay::Recording;

fn feed() -> Feed {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/replay/clean.jsonl");
    Feed::replay(Recording::open(&file, 0.0).unwrap())
}

#[test]
fn an_unsigned_upgrade_is_refused_with_the_recorded_body() {
    run(async {
        let (addr, _stop) = serve(feed());
        let mut tcp = tokio::net::TcpStream::connect(addr).await.unwrap();
        let request = format!(
            "GET {PATH} HTTP/1.1\r\nHost: x\r\nConnection: close, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
        );
        tcp.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(br#"{"code":"token_authentication_failure"}"#) {
            assert!(tcp.read_buf(&mut answer).await.unwrap() > 0, "{}", String::from_utf8_lossy(&answer));
        }
        assert!(answer.starts_with(b"HTTP/1.1 401 "));
    });
}

#[test]
fn subscriptions_are_listed_and_ended_by_sid() {
    run(async {
        let (addr, _stop) = serve(feed());
        let mut client = Client::connect(addr).await;
        client.send(r#"{"id":1,"cmd":"subscribe","params":{"channels":["fill","nope","trade"]}}"#).await;
        let frames = [client.json().await, client.json().await, client.json().await];
        assert_eq!(frames[0]["msg"], json!({"channel":"fill","sid":1}));
        assert_eq!(frames[1]["msg"], json!({"code":8,"msg":"Unknown channel name"}));
        assert_eq!(frames[2]["msg"], json!({"channel":"trade","sid":2}));
        client.send(r#"{"id":2,"cmd":"unsubscribe","params":{"sids":[1,9]}}"#).await;
        let frames = [client.json().await, client.json().await];
        assert_eq!(
            (&frames[0]["type"], &frames[0]["sid"], &frames[0]["seq"]),
            (&json!("unsubscribed"), &json!(1), &json!(1))
        );
        assert_eq!((&frames[1]["id"], &frames[1]["msg"]["code"]), (&json!(2), &json!(7)));
        client.send(r#"{"id":3,"cmd":"subscribe","params":{"channels":["fill"]}}"#).await;
        assert_eq!(client.json().await["msg"], json!({"channel":"fill","sid":3}));
        client.send(r#"{"id":4,"cmd":"list_subscriptions"}"#).await;
        let list = client.json().await;
        assert_eq!(list["msg"], json!([{"channel":"trade","sid":2},{"channel":"fill","sid":3}]));
    });
}

#[test]
fn updates_change_the_list_and_take_numbers() {
    run(async {
        let (addr, _stop) = serve(feed());
        let mut client = Client::connect(addr).await;
        client
            .send(r#"{"id":1,"cmd":"subscribe","params":{"channels":["trade"],"market_ticker":"B"}}"#)
            .await;
        client.json().await;
        client.send(r#"{"id":2,"cmd":"update_subscription","params":{"sid":1,"action":"add_markets","market_tickers":["A","B"]}}"#).await;
        let ok = client.json().await;
        assert_eq!((&ok["type"], &ok["id"], &ok["seq"]), (&json!("ok"), &json!(2), &json!(1)));
        assert_eq!(ok["msg"], json!({"market_tickers":["A","B"]}));
        client.send(r#"{"id":3,"cmd":"update_subscription","params":{"sids":[1],"action":"delete_markets","market_ticker":"B"}}"#).await;
        let ok = client.json().await;
        assert_eq!((&ok["seq"], &ok["msg"]), (&json!(2), &json!({"market_tickers":["A"]})));
        for (command, code) in [
            (r#""params":{"sid":5,"action":"add_markets","market_ticker":"B"}"#, 7),
            (r#""params":{"sid":1,"action":"get_snapshot","market_tickers":["B"]}"#, 13),
        ] {
            client.send(&format!(r#"{{"id":4,"cmd":"update_subscription",{command}}}"#)).await;
            assert_eq!(client.json().await["msg"]["code"], code);
        }
        client.send(r#"{"id":5,"cmd":"subscribe","params":{"channels":["orderbook_delta"]}}"#).await;
        assert_eq!(client.json().await["msg"]["code"], 14);
    });
}

#[test]
fn pings_are_answered_and_binary_is_no_message() {
    run(async {
        let (addr, _stop) = serve(feed());
        let mut client = Client::connect(addr).await;
        client.send_message(Message::Ping("hello".into())).await;
        assert_eq!(client.next_message().await, Some(Message::Pong("hello".into())));
        client.send_message(Message::Binary(vec![1, 2].into())).await;
        assert_eq!(client.json().await["msg"]["code"], 1);
    });
}

#[test]
fn a_message_too_large_and_the_end_of_the_exchange_close_in_order() {
    run(async {
        let (addr, stop) = serve(feed());
        let mut client = Client::connect(addr).await;
        client.send_message(Message::text("x".repeat(300 * 1024))).await;
        assert_eq!(close_code(&mut client).await, CloseCode::Size);
        let mut client = Client::connect(addr).await;
        stop.cancel();
        assert_eq!(close_code(&mut client).await, CloseCode::Away);
        assert_eq!(client.next_message().await, None);
    });
}

async fn close_code(client: &mut Client) -> CloseCode {
    match client.next_message().await {
        Some(Message::Close(Some(frame))) => frame.code,
        other => panic!("no close frame but {other:?}"),
    }
}

//! Raw clients on a whole exchange with its population: what one rebuilds, another is shown.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};

use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use super::client::{Client, TestKey, run};
use crate::{KeyEntry, Options, Running, spawn};

fn start() -> Running {
    let keys = vec![KeyEntry { id: "test-key".to_owned(), public_pem: TestKey::new(1).public_pem() }];
    spawn(Options { listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), keys, ..Options::default() }).unwrap()
}

/// The levels of a book by side and price, and the clock they are at.
type Book = (u64, BTreeMap<(String, String), i64>);

fn hundredths(text: &Value) -> i64 {
    text.as_str().unwrap().replace('.', "").parse().unwrap()
}

fn snapshot(message: &Value) -> Book {
    let mut levels = BTreeMap::new();
    for (side, key) in [("yes", "yes_dollars_fp"), ("no", "no_dollars_fp")] {
        for level in message.get(key).and_then(Value::as_array).into_iter().flatten() {
            levels.insert((side.to_owned(), level[0].as_str().unwrap().to_owned()), hundredths(&level[1]));
        }
    }
    (message["clock"].as_u64().unwrap(), levels)
}

fn apply((clock, levels): &mut Book, message: &Value) {
    let changed_at = message["clock"].as_u64().unwrap();
    assert!(changed_at > *clock, "{message}");
    *clock = changed_at;
    let text = |key: &str| message[key].as_str().unwrap().to_owned();
    let level = (text("side"), text("price_dollars"));
    let count = levels.entry(level.clone()).or_default();
    *count += hundredths(&message["delta_fp"]);
    if *count == 0 {
        levels.remove(&level);
    }
}

async fn tickers(client: &mut Client) -> Vec<String> {
    client
        .send(r#"{"id":1,"cmd":"subscribe","params":{"channels":["ticker"],"send_initial_snapshot":true}}"#)
        .await;
    assert_eq!(client.json().await["type"], "subscribed");
    client.send(r#"{"id":2,"cmd":"unsubscribe","params":{"sids":[1]}}"#).await;
    let mut tickers = Vec::new();
    loop {
        let frame = client.json().await;
        if frame["type"] == "unsubscribed" {
            return tickers;
        }
        tickers.push(frame["msg"]["market_ticker"].as_str().unwrap().to_owned());
    }
}

async fn subscribe_books(client: &mut Client, tickers: &[String]) {
    let command =
        json!({"id":3,"cmd":"subscribe","params":{"channels":["orderbook_delta"],"market_tickers":tickers}});
    client.send(&command.to_string()).await;
    assert_eq!(client.json().await["type"], "subscribed");
}

#[test]
fn a_rebuilt_book_equals_the_snapshot_of_a_later_client_at_its_clock() {
    let exchange = start();
    let addr = exchange.addr();
    run(async move {
        let mut first = Client::connect(addr).await;
        let mut tickers = tickers(&mut first).await;
        tickers.sort();
        tickers.dedup();
        assert!(tickers.len() >= 20, "{tickers:?}");
        subscribe_books(&mut first, &tickers).await;
        let mut books: BTreeMap<String, Book> = BTreeMap::new();
        let mut awaited: BTreeMap<String, Book> = BTreeMap::new();
        let (mut seq, mut deltas, mut compared) = (0, 0, 0);
        while deltas < 300 || !awaited.is_empty() {
            if deltas == 100 && awaited.is_empty() && compared == 0 {
                let mut second = Client::connect(addr).await;
                subscribe_books(&mut second, &tickers).await;
                for _ in &tickers {
                    let frame = second.json_until(|frame| frame["type"] == "orderbook_snapshot").await;
                    let ticker = frame["msg"]["market_ticker"].as_str().unwrap().to_owned();
                    awaited.insert(ticker, snapshot(&frame["msg"]));
                }
            }
            // Before the next frame: a book may be at the later client's clock already.
            let before = awaited.len();
            awaited.retain(|ticker, later| books.get(ticker) != Some(later));
            compared += before - awaited.len();
            for (ticker, (clock, _)) in &awaited {
                assert!(books.get(ticker).is_none_or(|book| book.0 < *clock), "{ticker} differs");
            }
            let frame = first.json().await;
            seq += 1;
            assert_eq!(frame["seq"], seq);
            let ticker = frame["msg"]["market_ticker"].as_str().unwrap().to_owned();
            if frame["type"] == "orderbook_snapshot" {
                books.insert(ticker, snapshot(&frame["msg"]));
            } else {
                apply(books.get_mut(&ticker).unwrap(), &frame["msg"]);
                deltas += 1;
            }
        }
        assert_eq!(compared, tickers.len());
    });
    exchange.stop();
}

#[test]
fn stopping_the_exchange_closes_its_sockets() {
    let exchange = start();
    let addr = exchange.addr();
    let (connected, is_connected) = std::sync::mpsc::channel();
    let client = std::thread::spawn(move || {
        run(async move {
            let mut client = Client::connect(addr).await;
            connected.send(()).unwrap();
            assert!(matches!(client.next_message().await, Some(Message::Close(Some(_)))));
        });
    });
    is_connected.recv().unwrap();
    let begun = std::time::Instant::now();
    exchange.stop();
    assert!(begun.elapsed().as_secs() < 10);
    client.join().unwrap();
}

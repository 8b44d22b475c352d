//! A quiet exchange on a port of its own, three members, and clients that sign for themselves.

use std::cell::Cell;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::{SinkExt as _, StreamExt as _};
use outrigger_simulator::{KeyEntry, Options, Running, Scenario, spawn};
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use serde_json::{Value, json};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;

pub(crate) const BASE: &str = "/trade-api/v2";
pub(crate) const SOCKET: &str = "/trade-api/ws/v2";
pub(crate) const ORDERS: &str = "/portfolio/events/orders";
const DEADLINE: Duration = Duration::from_secs(12);

/// Who asks. The sweeper empties books before they are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Who {
    Alice = 1,
    Bob,
    Sweeper,
}

pub(crate) struct World {
    running: Option<Running>,
    pub(crate) addr: SocketAddr,
    markets: Vec<String>,
    used: Cell<usize>,
}

/// What came back.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    fn read(bytes: &[u8]) -> Answer {
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n").expect("no end of the head");
        let head = String::from_utf8(bytes[..end].to_vec()).unwrap().to_lowercase();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Answer { status, head, body: bytes[end + 4..].to_vec() }
    }
}

impl World {
    pub(crate) fn new() -> World {
        World::with(|_| {})
    }

    /// Starts an exchange with one event of many markets, changed as a test needs it.
    pub(crate) fn with(change: impl FnOnce(&mut Scenario)) -> World {
        let mut scenario = Scenario::named("still").unwrap();
        scenario.series.truncate(1);
        scenario.series[0].markets = 20;
        scenario.collections.clear();
        scenario.depth_contracts = 0;
        change(&mut scenario);
        let key = |who: Who| KeyEntry { id: id_of(who), public_pem: public_pem(who) };
        let running = spawn(Options {
            listen: "127.0.0.1:0".parse().unwrap(),
            scenario,
            keys: [Who::Alice, Who::Bob, Who::Sweeper].map(key).to_vec(),
            control: true,
            ..Options::default()
        })
        .unwrap();
        let addr = running.addr();
        let mut world = World { running: Some(running), addr, markets: Vec::new(), used: Cell::new(0) };
        let open = world.get("/markets?status=open&limit=20").json();
        let ticker = |market: &Value| market["ticker"].as_str().unwrap().to_owned();
        world.markets = open["markets"].as_array().unwrap().iter().map(ticker).collect();
        world
    }

    /// Returns an open market in which nothing happened yet.
    pub(crate) fn fresh(&self) -> &str {
        let next = self.used.get();
        self.used.set(next + 1);
        &self.markets[next]
    }

    /// Returns an open market with an empty book.
    pub(crate) fn market(&self) -> &str {
        let ticker = self.fresh();
        for (side, price) in [("bid", "0.99"), ("ask", "0.01")] {
            let sweep = with(order(ticker, side, price, "200"), "time_in_force", "immediate_or_cancel");
            assert_eq!(self.post_as(Who::Sweeper, ORDERS, sweep).status, 201);
        }
        ticker
    }

    /// Sends bytes and reads to the end of the connection.
    pub(crate) fn send(&self, request: &[u8]) -> Answer {
        let mut stream = TcpStream::connect(self.addr).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        stream.write_all(request).unwrap();
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).unwrap();
        Answer::read(&bytes)
    }

    pub(crate) fn call(&self, who: Who, method: &str, path: &str, body: Option<Value>) -> Answer {
        // Control routes are below the root.
        let path = if path.starts_with("/control") { path.to_owned() } else { format!("{BASE}{path}") };
        let bare = path.split('?').next().unwrap();
        self.send(&request(method, &path, &signature(who, method, bare, 0), body.as_ref()))
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.call(Who::Alice, "GET", path, None)
    }

    pub(crate) fn post(&self, path: &str, body: Value) -> Answer {
        self.post_as(Who::Alice, path, body)
    }

    pub(crate) fn post_as(&self, who: Who, path: &str, body: Value) -> Answer {
        self.call(who, "POST", path, Some(body))
    }

    pub(crate) fn delete(&self, path: &str) -> Answer {
        self.call(Who::Alice, "DELETE", path, None)
    }

    /// Places an order that must be accepted and returns its id.
    pub(crate) fn place(&self, who: Who, order: Value) -> String {
        let placed = self.post_as(who, ORDERS, order);
        assert_eq!(placed.status, 201, "{placed:?}");
        placed.json()["order_id"].as_str().unwrap().to_owned()
    }

    /// Waits until a read shows what it should.
    pub(crate) fn until(&self, path: &str, shows: impl Fn(&Answer) -> bool) -> Answer {
        let begun = std::time::Instant::now();
        loop {
            let answer = self.get(path);
            if shows(&answer) {
                return answer;
            }
            assert!(begun.elapsed() < DEADLINE, "{path} never shows it: {answer:?}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.running.take().unwrap().stop();
    }
}

/// A good-till-canceled order.
pub(crate) fn order(ticker: &str, side: &str, price: &str, count: &str) -> Value {
    json!({
        "ticker": ticker, "side": side, "price": price, "count": count,
        "time_in_force": "good_till_canceled", "self_trade_prevention_type": "taker_at_cross",
    })
}

/// Changes a field of a body.
pub(crate) fn with(mut body: Value, name: &str, value: impl Into<Value>) -> Value {
    body[name] = value.into();
    body
}

pub(crate) fn id_of(who: Who) -> String {
    format!("{who:?}").to_lowercase()
}

fn key(who: Who) -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(&[who as u8; 32]).unwrap()
}

fn public_pem(who: Who) -> String {
    let mut der = vec![0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
    der.extend_from_slice(key(who).public_key().as_ref());
    format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", STANDARD.encode(der))
}

pub(crate) type Headers = [(&'static str, String); 3];

/// The headers of a request signed by a clock that is `ahead_ms` off.
pub(crate) fn signature(who: Who, method: &str, signed_path: &str, ahead_ms: i64) -> Headers {
    let now_ms = i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap();
    let timestamp = (now_ms + ahead_ms).to_string();
    let signature = key(who).sign(format!("{timestamp}{method}{signed_path}").as_bytes());
    [
        ("KALSHI-ACCESS-KEY", id_of(who)),
        ("KALSHI-ACCESS-TIMESTAMP", timestamp),
        ("KALSHI-ACCESS-SIGNATURE", STANDARD.encode(signature)),
    ]
}

/// Encodes a request that asks for the connection to be closed.
pub(crate) fn request(method: &str, path: &str, headers: &[(&str, String)], body: Option<&Value>) -> Vec<u8> {
    let mut head = format!("{method} {path} HTTP/1.1\r\nConnection: close\r\n");
    if !headers.iter().any(|(name, _)| *name == "Host") {
        head += "Host: exchange\r\n";
    }
    for (name, value) in headers {
        head += &format!("{name}: {value}\r\n");
    }
    let body = body.map(Value::to_string).unwrap_or_default();
    head += &format!("Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    head.into_bytes()
}

/// A WebSocket client that sees every frame as it is.
pub(crate) struct Client {
    pub(crate) stream: WebSocketStream<tokio::net::TcpStream>,
}

impl Client {
    pub(crate) async fn connect(addr: SocketAddr) -> Client {
        let mut request = format!("ws://{addr}{SOCKET}").into_client_request().unwrap();
        for (name, value) in signature(Who::Alice, "GET", SOCKET, 0) {
            request.headers_mut().insert(name, value.parse().unwrap());
        }
        let tcp = tokio::net::TcpStream::connect(addr).await.unwrap();
        let (stream, _) = tokio_tungstenite::client_async(request, tcp).await.unwrap();
        Client { stream }
    }

    pub(crate) async fn send(&mut self, command: Value) {
        self.stream.send(Message::text(command.to_string())).await.unwrap();
    }

    pub(crate) async fn message(&mut self) -> Option<Message> {
        let next = tokio::time::timeout(DEADLINE, self.stream.next()).await.expect("no frame in time");
        next.map(Result::unwrap)
    }

    pub(crate) async fn text(&mut self) -> String {
        loop {
            match self.message().await {
                Some(Message::Ping(_)) => {}
                Some(Message::Text(text)) => return text.as_str().to_owned(),
                other => panic!("unexpected {other:?}"),
            }
        }
    }

    pub(crate) async fn json(&mut self) -> Value {
        serde_json::from_str(&self.text().await).unwrap()
    }
}

//! A real exchange with faults, and clients that see every byte of it.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::{SinkExt as _, StreamExt as _};
use outrigger_simulator::{FaultSpec, KeyEntry, Options, Running, Scenario, spawn};
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use serde_json::{Value, json};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{Error as WsError, Message};

pub(crate) const BASE: &str = "/trade-api/v2";
pub(crate) const SOCKET: &str = "/trade-api/ws/v2";
pub(crate) const ORDERS: &str = "/portfolio/events/orders";
const DEADLINE: Duration = Duration::from_secs(10);
/// Long enough for anything that comes to have come.
pub(crate) const QUIET: Duration = Duration::from_millis(300);

pub(crate) struct World {
    running: Option<Running>,
    pub(crate) addr: SocketAddr,
    /// Two open markets.
    pub(crate) markets: [String; 2],
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(crate) fn read(bytes: &[u8]) -> Answer {
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n").expect("no end of the head");
        let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Answer { status, head: head.to_lowercase(), body: bytes[end + 4..].to_vec() }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }
}

impl World {
    /// Starts a quiet exchange with the rules of a TOML text.
    pub(crate) fn with(faults: &str) -> World {
        World::start(Options { faults: rules(faults), ..Options::default() })
    }

    /// Starts a quiet exchange with control routes.
    pub(crate) fn controlled() -> World {
        World::start(Options { control: true, ..Options::default() })
    }

    pub(crate) fn start(options: Options) -> World {
        World::play("still", options)
    }

    /// Starts an exchange that plays a named scenario.
    pub(crate) fn play(scenario: &str, options: Options) -> World {
        let running = spawn(Options {
            listen: "127.0.0.1:0".parse().unwrap(),
            scenario: Scenario::named(scenario).unwrap(),
            keys: vec![KeyEntry { id: "member".to_owned(), public_pem: public_pem() }],
            ..options
        })
        .unwrap();
        let addr = running.addr();
        let mut world = World { running: Some(running), addr, markets: Default::default() };
        world.markets = world.lasting_markets();
        world
    }

    /// Returns the two open markets that close last: none closes during a test.
    fn lasting_markets(&self) -> [String; 2] {
        let listed = self.get("/markets?status=open&limit=1000").json();
        let text = |market: &Value, key: &str| market[key].as_str().unwrap().to_owned();
        let mut open: Vec<_> = listed["markets"].as_array().unwrap().iter().collect();
        open.sort_by_key(|market| std::cmp::Reverse(text(market, "close_time")));
        [0, 1].map(|index| text(open[index], "ticker"))
    }

    pub(crate) fn running(&self) -> &Running {
        self.running.as_ref().unwrap()
    }

    /// Sends a request and returns the connection with the answer still on its way.
    pub(crate) fn begin(&self, method: &str, path: &str, body: Option<&Value>) -> TcpStream {
        let mut stream = TcpStream::connect(self.addr).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        stream.write_all(&request(method, path, body, 0)).unwrap();
        stream
    }

    /// Reads to the end of the connection.
    pub(crate) fn try_call(&self, method: &str, path: &str, body: Option<&Value>) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.begin(method, path, body).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    pub(crate) fn call(&self, method: &str, path: &str, body: Option<&Value>) -> Answer {
        Answer::read(&self.try_call(method, path, body).unwrap())
    }

    /// Sends a request as it is.
    pub(crate) fn send(&self, request: &[u8]) -> Answer {
        let mut stream = TcpStream::connect(self.addr).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        stream.write_all(request).unwrap();
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).unwrap();
        Answer::read(&bytes)
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.call("GET", path, None)
    }

    pub(crate) fn post(&self, path: &str, body: Value) -> Answer {
        self.call("POST", path, Some(&body))
    }

    /// Returns the client order ids of resting orders, newest first.
    pub(crate) fn resting(&self) -> Vec<String> {
        let list = self.get("/portfolio/orders?status=resting").json();
        let id = |order: &Value| order["client_order_id"].as_str().unwrap().to_owned();
        list["orders"].as_array().unwrap().iter().map(id).collect()
    }

    /// An order that rests far away from the market.
    pub(crate) fn order(&self, id: &str) -> Value {
        order(&self.markets[0], id)
    }

    /// Shows that the exchange trades and streams as if nothing had been.
    pub(crate) fn is_well(&self) {
        assert_eq!(self.get("/exchange/status").json()["trading_active"], true);
        let placed = self.post(ORDERS, order(&self.markets[1], "well"));
        assert_eq!(placed.status, 201, "{placed:?}");
        assert!(self.resting().contains(&"well".to_owned()));
    }

    pub(crate) async fn streams_well(&self) {
        self.is_well();
        let mut client = Client::connect(self.addr).await.unwrap();
        client.subscribe("orderbook_delta", &self.markets[1]).await;
        assert_eq!(client.json().await["type"], "orderbook_snapshot");
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.running.take().unwrap().stop();
    }
}

pub(crate) fn rules(text: &str) -> Vec<FaultSpec> {
    #[derive(serde::Deserialize)]
    struct File {
        faults: Vec<FaultSpec>,
    }
    toml::from_str::<File>(text).unwrap().faults
}

pub(crate) fn order(ticker: &str, id: &str) -> Value {
    json!({
        "ticker": ticker, "client_order_id": id, "side": "bid", "price": "0.0100", "count": "1.00",
        "time_in_force": "good_till_canceled", "self_trade_prevention_type": "taker_at_cross",
    })
}

fn key() -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(&[1; 32]).unwrap()
}

fn public_pem() -> String {
    let mut der = vec![0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
    der.extend_from_slice(key().public_key().as_ref());
    format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", STANDARD.encode(der))
}

/// The headers of a request signed by a clock that is `ahead_ms` off.
fn signature(method: &str, path: &str, ahead_ms: i64) -> [(&'static str, String); 3] {
    let now_ms = i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap();
    let timestamp = (now_ms + ahead_ms).to_string();
    let bare = path.split('?').next().unwrap();
    let signature = key().sign(format!("{timestamp}{method}{bare}").as_bytes());
    [
        ("KALSHI-ACCESS-KEY", "member".to_owned()),
        ("KALSHI-ACCESS-TIMESTAMP", timestamp),
        ("KALSHI-ACCESS-SIGNATURE", STANDARD.encode(signature)),
    ]
}

/// Encodes a signed request that asks for the connection to be closed; control routes are below the root.
pub(crate) fn request(method: &str, path: &str, body: Option<&Value>, ahead_ms: i64) -> Vec<u8> {
    let path = if path.starts_with("/control") { path.to_owned() } else { format!("{BASE}{path}") };
    let mut head = format!("{method} {path} HTTP/1.1\r\nHost: exchange\r\nConnection: close\r\n");
    for (name, value) in signature(method, &path, ahead_ms) {
        head += &format!("{name}: {value}\r\n");
    }
    let body = body.map(Value::to_string).unwrap_or_default();
    head += &format!("Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    head.into_bytes()
}

/// A WebSocket client that sees every frame.
pub(crate) struct Client {
    pub(crate) stream: WebSocketStream<tokio::net::TcpStream>,
}

impl Client {
    pub(crate) async fn connect(addr: SocketAddr) -> Result<Client, WsError> {
        Client::connect_at(addr, 0).await
    }

    /// Connects with a clock that is off.
    pub(crate) async fn connect_at(addr: SocketAddr, ahead_ms: i64) -> Result<Client, WsError> {
        let mut request = format!("ws://{addr}{SOCKET}").into_client_request().unwrap();
        for (name, value) in signature("GET", SOCKET, ahead_ms) {
            request.headers_mut().insert(name, value.parse().unwrap());
        }
        let tcp = tokio::net::TcpStream::connect(addr).await.unwrap();
        let (stream, _) = tokio_tungstenite::client_async(request, tcp).await?;
        Ok(Client { stream })
    }

    pub(crate) async fn send(&mut self, command: Value) {
        self.stream.send(Message::text(command.to_string())).await.unwrap();
    }

    /// Subscribes and reads the acknowledgement.
    pub(crate) async fn subscribe(&mut self, channel: &str, ticker: &str) {
        self.ask(channel, ticker).await;
        assert_eq!(self.json().await["type"], "subscribed");
    }

    pub(crate) async fn ask(&mut self, channel: &str, ticker: &str) {
        let params = json!({ "channels": [channel], "market_tickers": [ticker] });
        self.send(json!({ "id": 1, "cmd": "subscribe", "params": params })).await;
    }

    /// Returns the next frame that is no ping, or how the connection ended.
    pub(crate) async fn next(&mut self) -> Result<Option<Message>, WsError> {
        loop {
            let next = tokio::time::timeout(DEADLINE, self.stream.next()).await.expect("no frame in time");
            match next.transpose()? {
                Some(Message::Ping(_)) => {}
                other => return Ok(other),
            }
        }
    }

    pub(crate) async fn text(&mut self) -> String {
        match self.next().await.unwrap() {
            Some(Message::Text(text)) => text.as_str().to_owned(),
            other => panic!("unexpected {other:?}"),
        }
    }

    pub(crate) async fn json(&mut self) -> Value {
        serde_json::from_str(&self.text().await).unwrap()
    }

    /// Shows that no frame comes.
    pub(crate) async fn is_silent(&mut self) {
        let silence = tokio::time::timeout(QUIET, self.next()).await;
        assert!(silence.is_err(), "{silence:?}");
    }
}

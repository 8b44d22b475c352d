//! For tests: an exchange on a port of its own and a raw WebSocket client that signs its upgrade.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use actix_web::{App, HttpServer};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::{SinkExt as _, StreamExt as _};
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use serde_json::Value;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_util::sync::CancellationToken;

use super::{Feed, PATH, SocketState, configure};
use crate::auth::{Grant, KeyRing, Scope};
use crate::tape::Tape;
use crate::time::{Clock, wall_us};

const DEADLINE: Duration = Duration::from_secs(10);

type Stream = tokio_tungstenite::WebSocketStream<tokio::net::TcpStream>;

/// An Ed25519 key made from a seed.
pub(crate) struct TestKey(Ed25519KeyPair);

impl TestKey {
    pub(crate) fn new(seed: u8) -> Self {
        Self(Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap())
    }

    pub(crate) fn public_pem(&self) -> String {
        let mut der = vec![0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
        der.extend_from_slice(self.0.public_key().as_ref());
        format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", STANDARD.encode(der))
    }

    /// Returns the three headers of a signed request.
    pub(crate) fn headers(&self, id: &str, method: &str, path: &str) -> [(&'static str, String); 3] {
        let timestamp = (wall_us() / 1_000).to_string();
        let signature = self.0.sign(format!("{timestamp}{method}{path}").as_bytes());
        [
            ("KALSHI-ACCESS-KEY", id.to_owned()),
            ("KALSHI-ACCESS-TIMESTAMP", timestamp),
            ("KALSHI-ACCESS-SIGNATURE", STANDARD.encode(signature)),
        ]
    }
}

/// Runs `test` in an actix system.
pub(crate) fn run(test: impl Future<Output = ()>) {
    actix_web::rt::System::new().block_on(async { tokio::time::timeout(6 * DEADLINE, test).await.unwrap() });
}

/// Serves a feed on a free loopback port to two accounts: `test-key` of seed 1 and `other-key` of seed 2. The first has
/// two more keys: `locked-key` of seed 3, locked to subaccount 1, and `blind-key` of seed 4, which must not read.
pub(crate) fn serve(feed: Feed) -> (SocketAddr, CancellationToken) {
    let (pem, other_pem) = (TestKey::new(1).public_pem(), TestKey::new(2).public_pem());
    let keys = [("test-key", pem.as_str()), ("other-key", other_pem.as_str())];
    let keys = Arc::new(KeyRing::new(keys).unwrap());
    let locked = Grant { subaccount: Some(1), ..Grant::full("locked") };
    keys.add(0, "locked-key", &TestKey::new(3).public_pem(), locked).unwrap();
    let blind = Grant { scopes: [Scope::Write].into(), ..Grant::full("blind") };
    keys.add(0, "blind-key", &TestKey::new(4).public_pem(), blind).unwrap();
    let stop = CancellationToken::new();
    let clock = Arc::new(Clock::real());
    let state = SocketState { keys, feed, clock, tape: Tape::of_tests(), stop: stop.clone() };
    let server = HttpServer::new(move || App::new().configure(|config| configure(config, state.clone())))
        .workers(1)
        .tcp_nodelay(true)
        .disable_signals()
        .bind("127.0.0.1:0")
        .unwrap();
    let addr = server.addrs()[0];
    actix_web::rt::spawn(server.run());
    (addr, stop)
}

/// A client that sees every text frame as it came.
pub(crate) struct Client {
    stream: Stream,
}

impl Client {
    pub(crate) async fn connect(addr: SocketAddr) -> Self {
        Self::connect_as(addr, &TestKey::new(1), "test-key").await
    }

    /// Returns the status with which the exchange refuses a connection.
    pub(crate) async fn refused_as(addr: SocketAddr, key: &TestKey, key_id: &str) -> u16 {
        let mut request = format!("ws://{addr}{PATH}").into_client_request().unwrap();
        for (name, value) in key.headers(key_id, "GET", PATH) {
            request.headers_mut().insert(name, value.parse().unwrap());
        }
        let tcp = tokio::net::TcpStream::connect(addr).await.unwrap();
        match tokio_tungstenite::client_async(request, tcp).await {
            Err(tokio_tungstenite::tungstenite::Error::Http(response)) => response.status().as_u16(),
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn connect_as(addr: SocketAddr, key: &TestKey, key_id: &str) -> Self {
        let mut request = format!("ws://{addr}{PATH}").into_client_request().unwrap();
        for (name, value) in key.headers(key_id, "GET", PATH) {
            request.headers_mut().insert(name, value.parse().unwrap());
        }
        let tcp = tokio::net::TcpStream::connect(addr).await.unwrap();
        let (stream, _) = tokio_tungstenite::client_async(request, tcp).await.unwrap();
        Self { stream }
    }

    pub(crate) async fn send(&mut self, text: &str) {
        self.stream.send(Message::text(text)).await.unwrap();
    }

    pub(crate) async fn send_message(&mut self, message: Message) {
        self.stream.send(message).await.unwrap();
    }

    /// Returns the next message of any kind; none when the connection ended.
    pub(crate) async fn next_message(&mut self) -> Option<Message> {
        let next = tokio::time::timeout(DEADLINE, self.stream.next()).await.expect("no frame in time");
        next.and_then(Result::ok)
    }

    /// Returns the next text frame as it came.
    pub(crate) async fn text(&mut self) -> String {
        loop {
            match self.next_message().await.expect("connection ended") {
                Message::Text(text) => return text.as_str().to_owned(),
                Message::Ping(_) | Message::Pong(_) => {}
                other => panic!("unexpected {other:?}"),
            }
        }
    }

    /// Returns the next text frame as JSON.
    pub(crate) async fn json(&mut self) -> Value {
        let text = self.text().await;
        assert!(text.ends_with("}\n"), "{text}");
        serde_json::from_str(&text).unwrap()
    }

    /// Returns the next frame for which `is_it` holds; the ones before are passed over.
    pub(crate) async fn json_until(&mut self, is_it: impl Fn(&Value) -> bool) -> Value {
        loop {
            let frame = self.json().await;
            if is_it(&frame) {
                return frame;
            }
        }
    }
}

//! What the whole exchange serves: signed orders per second, and WebSocket messages per second to one reader.
//! `cargo bench -p outrigger-simulator --bench server`.
//!
//! The client shares the machine with the exchange and signs each request when it sends it.
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a benchmark prints its figures and fails as tests do"
)]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use outrigger_simulator::{KeyEntry, Options, Running, Scenario, spawn};
use ring::signature::{Ed25519KeyPair, KeyPair as _};

const BASE: &str = "/trade-api/v2";
const SOCKET: &str = "/trade-api/ws/v2";
const ORDERS: &str = "/trade-api/v2/portfolio/events/orders";
const CONNECTIONS: usize = 8;
const ROUND: Duration = Duration::from_secs(3);
const ROUNDS: usize = 5;
/// Paces of the population, until one reader cannot follow any more.
const ACTS_PER_SECOND: [u32; 6] = [20_000, 40_000, 60_000, 80_000, 110_000, 150_000];

fn main() {
    // `cargo test --benches` only wants to know that it builds.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let exchange = Exchange::start(0);
    report("signed order requests/s (Ed25519, 8 connections, one place and one cancel in turn)", || {
        orders(&exchange)
    });
    exchange.running.stop();
    let mut best = None;
    for acts_per_second in ACTS_PER_SECOND {
        let exchange = Exchange::start(acts_per_second);
        let mut reader = Reader::open(&exchange);
        let rates: Option<Vec<f64>> = (0..ROUNDS).map(|_| reader.count()).collect();
        exchange.running.stop();
        match rates {
            Some(mut rates) => {
                rates.sort_by(f64::total_cmp);
                best = Some((rates[0], rates[ROUNDS / 2], rates[ROUNDS - 1]));
            }
            None => break,
        }
    }
    let (min, median, max) = best.expect("even the slowest pace was too much");
    println!(
        "WebSocket messages/s to one reader that keeps up (orderbook_delta of all markets), {ROUNDS} rounds: min {min:.0}, \
         median {median:.0}, max {max:.0}"
    );
}

fn report(what: &str, mut round: impl FnMut() -> f64) {
    round();
    let mut rates: Vec<f64> = (0..ROUNDS).map(|_| round()).collect();
    rates.sort_by(f64::total_cmp);
    println!(
        "{what}, {ROUNDS} rounds: min {:.0}, median {:.0}, max {:.0}",
        rates[0],
        rates[ROUNDS / 2],
        rates[ROUNDS - 1]
    );
}

struct Exchange {
    running: Running,
    addr: SocketAddr,
    tickers: Vec<String>,
}

impl Exchange {
    fn start(acts_per_second: u32) -> Exchange {
        let mut spki = b"\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00".to_vec();
        spki.extend_from_slice(key().public_key().as_ref());
        let public_pem =
            format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", STANDARD.encode(spki));
        let scenario = Scenario {
            acts_per_second,
            read_tokens_per_second: Some(10_000_000),
            read_tokens_max: Some(10_000_000),
            write_tokens_per_second: Some(10_000_000),
            write_tokens_max: Some(10_000_000),
            member_dollars: 100_000_000,
            ..Scenario::named("still").unwrap()
        };
        let running = spawn(Options {
            listen: "127.0.0.1:0".parse().unwrap(),
            scenario,
            keys: vec![KeyEntry { id: "member".to_owned(), public_pem }],
            ..Options::default()
        })
        .unwrap();
        let addr = running.addr();
        let path = format!("{BASE}/markets?status=open&limit=1000");
        let body = Connection::open(addr).call("GET", &path, "");
        let list: serde_json::Value = serde_json::from_slice(&body.1).unwrap();
        let markets = list["markets"].as_array().unwrap();
        let on_first_shard = markets.iter().filter(|market| market["exchange_index"] == 0);
        let mut tickers: Vec<String> =
            on_first_shard.map(|market| market["ticker"].as_str().unwrap().to_owned()).collect();
        if acts_per_second > 0 {
            tickers = markets.iter().map(|market| market["ticker"].as_str().unwrap().to_owned()).collect();
        }
        Exchange { running, addr, tickers }
    }
}

fn key() -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap()
}

fn signed(key: &Ed25519KeyPair, method: &str, path: &str) -> String {
    let now_ms = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();
    let bare = path.split('?').next().unwrap();
    let signature = STANDARD.encode(key.sign(format!("{now_ms}{method}{bare}").as_bytes()));
    format!(
        "KALSHI-ACCESS-KEY: member\r\nKALSHI-ACCESS-TIMESTAMP: {now_ms}\r\nKALSHI-ACCESS-SIGNATURE: {signature}\r\n"
    )
}

/// One connection that is kept.
struct Connection {
    stream: TcpStream,
    key: Ed25519KeyPair,
    read: Vec<u8>,
}

impl Connection {
    fn open(addr: SocketAddr) -> Connection {
        let stream = TcpStream::connect(addr).unwrap();
        stream.set_nodelay(true).unwrap();
        Connection { stream, key: key(), read: Vec::new() }
    }

    fn call(&mut self, method: &str, path: &str, body: &str) -> (u16, Vec<u8>) {
        let signed = signed(&self.key, method, path);
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: exchange\r\n{signed}Content-Type: application/json\r\nContent-Length: \
             {}\r\n\r\n{body}",
            body.len()
        );
        self.stream.write_all(request.as_bytes()).unwrap();
        self.read.clear();
        let mut chunk = [0; 16 * 1024];
        loop {
            let count = self.stream.read(&mut chunk).unwrap();
            assert!(count > 0, "the exchange closed the connection");
            self.read.extend_from_slice(&chunk[..count]);
            if let Some(whole) = whole(&self.read) {
                return whole;
            }
        }
    }
}

/// Returns status and body once all of a reply is there.
fn whole(bytes: &[u8]) -> Option<(u16, Vec<u8>)> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&bytes[..end]).unwrap().to_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap_or("0");
    let length: usize = length.parse().unwrap();
    let body = bytes.get(end + 4..end + 4 + length)?;
    Some((head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_vec()))
}

/// Returns how many orders were placed and cancelled in a second.
fn orders(exchange: &Exchange) -> f64 {
    let started = Instant::now();
    let counts = thread::scope(|scope| {
        let work = |number: usize| {
            let ticker = &exchange.tickers[number % exchange.tickers.len()];
            move || trade(exchange.addr, ticker, started)
        };
        let threads: Vec<_> = (0..CONNECTIONS).map(|number| scope.spawn(work(number))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum::<u64>()
    });
    counts as f64 / started.elapsed().as_secs_f64()
}

fn trade(addr: SocketAddr, ticker: &str, started: Instant) -> u64 {
    let mut connection = Connection::open(addr);
    let mut count = 0;
    while started.elapsed() < ROUND {
        let order = format!(
            r#"{{"ticker":"{ticker}","client_order_id":"{}","side":"bid","price":"0.01","count":"1","exchange_index":0,"time_in_force":"good_till_canceled","self_trade_prevention_type":"taker_at_cross"}}"#,
            uuid::Uuid::new_v4()
        );
        let (status, body) = connection.call("POST", ORDERS, &order);
        assert_eq!(status, 201, "{}", String::from_utf8_lossy(&body));
        let placed: serde_json::Value = serde_json::from_slice(&body).unwrap();
        let path = format!("{ORDERS}/{}?exchange_index=0", placed["order_id"].as_str().unwrap());
        let (status, body) = connection.call("DELETE", &path, "");
        assert_eq!(status, 200, "{}", String::from_utf8_lossy(&body));
        count += 2;
    }
    count
}

/// One WebSocket client that counts frames and throws them away.
struct Reader {
    stream: TcpStream,
    waiting: Vec<u8>,
}

impl Reader {
    fn open(exchange: &Exchange) -> Reader {
        let mut stream = TcpStream::connect(exchange.addr).unwrap();
        let request = format!(
            "GET {SOCKET} HTTP/1.1\r\nHost: exchange\r\n{}Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: \
             13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
            signed(&key(), "GET", SOCKET)
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut waiting = Vec::new();
        let mut byte = [0];
        while !waiting.ends_with(b"\r\n\r\n") {
            stream.read_exact(&mut byte).unwrap();
            waiting.push(byte[0]);
        }
        assert!(waiting.starts_with(b"HTTP/1.1 101"), "{}", String::from_utf8_lossy(&waiting));
        let tickers = serde_json::to_string(&exchange.tickers).unwrap();
        let subscribe = format!(
            r#"{{"id":1,"cmd":"subscribe","params":{{"channels":["orderbook_delta"],"market_tickers":{tickers},"use_yes_price":true}}}}"#
        );
        // Masked with zeros: the payload stays as it is.
        let mut frame = vec![0x81, 0x80 | 126];
        frame.extend_from_slice(&u16::try_from(subscribe.len()).unwrap().to_be_bytes());
        frame.extend_from_slice(&[0; 4]);
        frame.extend_from_slice(subscribe.as_bytes());
        stream.write_all(&frame).unwrap();
        Reader { stream, waiting: Vec::new() }
    }

    /// Returns how many messages came in a second; none if the exchange gave this reader up.
    fn count(&mut self) -> Option<f64> {
        let (started, mut messages) = (Instant::now(), 0_u64);
        let mut chunk = vec![0; 256 * 1024];
        while started.elapsed() < ROUND {
            let count = self.stream.read(&mut chunk).unwrap();
            assert!(count > 0, "the exchange closed the connection");
            self.waiting.extend_from_slice(&chunk[..count]);
            let mut at = 0;
            while let Some((length, is_error)) = frame(&self.waiting[at..]) {
                if is_error {
                    return None;
                }
                at += length;
                messages += 1;
            }
            self.waiting.drain(..at);
        }
        Some(messages as f64 / started.elapsed().as_secs_f64())
    }
}

/// Returns the length of the first whole frame, and whether it is an error.
fn frame(bytes: &[u8]) -> Option<(usize, bool)> {
    let (head, payload) = match *bytes.get(1)? {
        126 => (4, usize::from(u16::from_be_bytes(bytes.get(2..4)?.try_into().unwrap()))),
        127 => (10, usize::try_from(u64::from_be_bytes(bytes.get(2..10)?.try_into().unwrap())).unwrap()),
        short => (2, usize::from(short)),
    };
    let text = bytes.get(head..head + payload)?;
    Some((head + payload, text.starts_with(br#"{"type":"error""#)))
}

//! A venue of a few lines, for what no real venue does on demand: it checks every signature, then answers as the test says.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::{SinkExt as _, StreamExt as _};
use outrigger_connectors::{
    Credential, Deadlines, FrameSink, Passing, VenueConfig, VenuePorts, VenueStatus, VenueTasks, VenueUrls,
    start,
};
use outrigger_engine::actors::messages::{BooksMessage, DeskMessage};
use outrigger_engine::domain::{Catalog, Clock, Generation, Monotonic, Now, Ticker, WallTime};
use outrigger_engine::risk::HaltSwitch;
use outrigger_engine::venue::{Channel, FeedCommand, FeedItem, VenueRequest};
use ring::signature::{ED25519, UnparsedPublicKey};
use rustls_pki_types::SubjectPublicKeyInfoDer;
use rustls_pki_types::pem::PemObject as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{Request as Upgrade, Response};
use tokio_util::sync::CancellationToken;

pub(crate) const DEADLINE: Duration = Duration::from_secs(20);

/// A REST request as it arrived, its signature already checked.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) method: String,
    /// Below `/trade-api/v2`.
    pub(crate) path: String,
    pub(crate) query: BTreeMap<String, String>,
    pub(crate) body: String,
    pub(crate) timestamp: String,
}

/// How the fake answers.
pub(crate) enum Reply {
    Json(u16, String),
    /// Closes the connection after the request was read.
    Reset,
}

type Answer = dyn Fn(&Request) -> Option<Reply> + Send + Sync;

/// The fake venue. Sockets come out of `sockets` in the order they were opened.
pub(crate) struct Fake {
    pub(crate) addr: SocketAddr,
    pub(crate) sockets: mpsc::Receiver<Socket>,
    pub(crate) requests: Arc<Mutex<Vec<Request>>>,
}

fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/keys/").to_owned() + name).unwrap()
}

fn check_signature(headers: &BTreeMap<String, String>, method: &str, path: &str) -> String {
    let timestamp = headers["kalshi-access-timestamp"].clone();
    assert_eq!(headers["kalshi-access-key"], "key-1");
    let signature = STANDARD.decode(&headers["kalshi-access-signature"]).unwrap();
    let spki = SubjectPublicKeyInfoDer::from_pem_slice(&fixture("ed25519_public.pem")).unwrap();
    let key = UnparsedPublicKey::new(&ED25519, spki.as_ref()[12..].to_vec());
    key.verify(format!("{timestamp}{method}{path}").as_bytes(), &signature).expect("a valid signature");
    timestamp
}

impl Fake {
    /// Opens the fake. `answer` may leave a request to the defaults: an empty account at an idle venue.
    pub(crate) async fn open(answer: impl Fn(&Request) -> Option<Reply> + Send + Sync + 'static) -> Fake {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let (sender, sockets) = mpsc::channel(16);
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (answer, log): (Arc<Answer>, _) = (Arc::new(answer), requests.clone());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, answer.clone(), log.clone(), sender.clone()));
            }
        });
        Fake { addr, sockets, requests }
    }

    pub(crate) async fn socket(&mut self) -> Socket {
        tokio::time::timeout(DEADLINE, self.sockets.recv()).await.expect("a connection in time").unwrap()
    }

    /// Returns the requests of one path, in order.
    pub(crate) fn requests(&self, method: &str, path: &str) -> Vec<Request> {
        let requests = self.requests.lock().unwrap();
        requests.iter().filter(|request| request.method == method && request.path == path).cloned().collect()
    }
}

async fn serve(
    mut stream: TcpStream,
    answer: Arc<Answer>,
    log: Arc<Mutex<Vec<Request>>>,
    sockets: mpsc::Sender<Socket>,
) {
    let mut start = [0; 24];
    while stream.peek(&mut start).await.is_ok_and(|length| length > 0 && length < start.len()) {
        tokio::task::yield_now().await;
    }
    if start.starts_with(b"GET /trade-api/ws/v2") {
        #[expect(clippy::result_large_err, reason = "the library's own callback type")]
        let check = |upgrade: &Upgrade, response: Response| {
            let text = |(name, value): (&_, &_)| header(name, value);
            let headers = upgrade.headers().iter().map(text).collect();
            let timestamp = check_signature(&headers, "GET", upgrade.uri().path());
            log.lock().unwrap().push(Request {
                method: "GET".to_owned(),
                path: "/ws".to_owned(),
                query: BTreeMap::new(),
                body: String::new(),
                timestamp,
            });
            Ok(response)
        };
        if let Ok(socket) = tokio_tungstenite::accept_hdr_async(stream, check).await {
            let _ = sockets.send(Socket(socket)).await;
        }
        return;
    }
    while let Some(request) = read_request(&mut stream).await {
        log.lock().unwrap().push(request.clone());
        match answer(&request).unwrap_or_else(|| default_answer(&request)) {
            Reply::Reset => return,
            Reply::Json(status, body) => {
                let head = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\n\r\n", body.len());
                if stream.write_all(format!("{head}{body}").as_bytes()).await.is_err() {
                    return;
                }
            }
        }
    }
}

fn header(name: &impl AsRef<str>, value: &impl AsRef<[u8]>) -> (String, String) {
    (name.as_ref().to_owned(), String::from_utf8_lossy(value.as_ref()).into_owned())
}

async fn read_request(stream: &mut TcpStream) -> Option<Request> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    let head = String::from_utf8(head).unwrap();
    let mut lines = head.lines();
    let mut first = lines.next().unwrap().split(' ').map(str::to_owned);
    let (method, target) = (first.next().unwrap(), first.next().unwrap());
    let headers: BTreeMap<String, String> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_lowercase(), value.trim().to_owned()))
        .collect();
    let length = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let timestamp = check_signature(&headers, &method, path);
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    Some(Request {
        method,
        path: path.strip_prefix("/trade-api/v2").unwrap().to_owned(),
        query: pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).collect(),
        body: String::from_utf8(body).unwrap(),
        timestamp,
    })
}

fn default_answer(request: &Request) -> Reply {
    let body = match request.path.as_str() {
        "/portfolio/balance" => {
            r#"{"balance":100,"balance_dollars":"1.0050","portfolio_value":0,"updated_ts":1790000000}"#
        }
        "/account/limits" => {
            r#"{"usage_tier":"premier","read":{"refill_rate":1200,"bucket_capacity":3600},"write":{"refill_rate":1200,"bucket_capacity":2400}}"#
        }
        "/account/endpoint_costs" => r#"{"default_cost":10,"endpoint_costs":[]}"#,
        "/markets" => r#"{"markets":[{"ticker":"KXA","status":"active","exchange_index":0}],"cursor":""}"#,
        "/markets/KXA" => r#"{"market":{"ticker":"KXA","status":"active","exchange_index":0}}"#,
        "/exchange/user_data_timestamp" => r#"{"as_of_time":"2026-10-26T12:00:00.5Z"}"#,
        _ => r#"{"cursor":""}"#,
    };
    Reply::Json(200, body.to_owned())
}

/// The venue's end of a stream.
pub(crate) struct Socket(WebSocketStream<TcpStream>);

impl Socket {
    pub(crate) async fn send(&mut self, frame: &str) {
        self.0.send(Message::text(frame)).await.unwrap();
    }

    /// Returns the next command. Optional channels are acknowledged by the way.
    pub(crate) async fn command(&mut self) -> serde_json::Value {
        loop {
            let command = self.any_command().await;
            let channel = command["params"]["channels"][0].as_str().unwrap_or_default();
            if !OPTIONAL.contains(&channel) {
                return command;
            }
            self.acknowledge_one(&command).await;
        }
    }

    async fn acknowledge_one(&mut self, command: &serde_json::Value) {
        let (id, channel) = (&command["id"], command["params"]["channels"][0].as_str().unwrap());
        let sid = CHANNELS.iter().position(|known| *known == channel).unwrap() + 1;
        let msg = format!(r#"{{"channel":"{channel}","sid":{sid}}}"#);
        self.send(&format!(r#"{{"type":"subscribed","id":{id},"msg":{msg}}}"#)).await;
    }

    async fn any_command(&mut self) -> serde_json::Value {
        let text = async {
            loop {
                if let Message::Text(text) = self.0.next().await.expect("still open").unwrap() {
                    return text;
                }
            }
        };
        let text = tokio::time::timeout(DEADLINE, text).await.expect("a command in time");
        serde_json::from_str(&text).unwrap()
    }

    /// Acknowledges `count` subscriptions, the sid of each being its place among the channels; returns their channels with
    /// tickers.
    pub(crate) async fn acknowledge(&mut self, count: usize) -> Vec<String> {
        let mut channels = Vec::new();
        for _ in 0..count {
            let command = self.command().await;
            self.acknowledge_one(&command).await;
            let params = &command["params"];
            let channel = params["channels"][0].as_str().unwrap();
            channels.push(format!("{channel}{}", params["market_tickers"]));
        }
        channels
    }
}

/// Keeps what passed on the sockets, in words, with the connection's generation.
#[derive(Default)]
pub(crate) struct Witness {
    pub(crate) seen: Mutex<Vec<(u64, String)>>,
}

impl FrameSink for Witness {
    fn passing(&self, generation: Generation, at: Now, what: Passing<'_>) {
        assert!(at.wall.0 > 0);
        let words = match what {
            Passing::Opened => "opened".to_owned(),
            Passing::Received(frame) => format!("received {}", String::from_utf8_lossy(frame)),
            Passing::Sent(command) => format!("sent {command}"),
            Passing::Closed(reason) => format!("closed {reason}"),
        };
        self.seen.lock().unwrap().push((generation.0, words));
    }
}

const OPTIONAL: [&str; 3] = ["order_group_updates", "multivariate_market_lifecycle", "communications"];
const CHANNELS: [&str; 10] = [
    "fill",
    "user_orders",
    "market_positions",
    "market_lifecycle_v2",
    "orderbook_delta",
    "trade",
    "ticker",
    OPTIONAL[0],
    OPTIONAL[1],
    OPTIONAL[2],
];

/// A connector at the fake, and the other ends of its lanes.
pub(crate) struct Bench {
    pub(crate) books: mpsc::Receiver<BooksMessage>,
    pub(crate) desk: mpsc::Receiver<DeskMessage>,
    pub(crate) requests: mpsc::Sender<VenueRequest>,
    pub(crate) commands: mpsc::Sender<FeedCommand>,
    pub(crate) look_ups: mpsc::Sender<Vec<Ticker>>,
    pub(crate) samples: mpsc::Sender<Vec<Ticker>>,
    pub(crate) catalog: Arc<Catalog>,
    pub(crate) status: Arc<VenueStatus>,
    pub(crate) halt: Arc<HaltSwitch>,
    pub(crate) tasks: VenueTasks,
    pub(crate) witness: Arc<Witness>,
    items: Vec<FeedItem>,
}

pub(crate) fn clock() -> Clock {
    let started = Instant::now();
    Arc::new(move || {
        let elapsed = u64::try_from(started.elapsed().as_nanos()).unwrap();
        let wall = std::time::UNIX_EPOCH.elapsed().unwrap().as_micros();
        Now { wall: WallTime(i64::try_from(wall).unwrap()), monotonic: Monotonic(elapsed) }
    })
}

impl Bench {
    pub(crate) fn start(addr: SocketAddr, change: impl FnOnce(&mut VenueConfig)) -> Bench {
        Bench::start_at(addr, clock(), change)
    }

    /// Starts on a clock of the test's own.
    pub(crate) fn start_at(addr: SocketAddr, clock: Clock, change: impl FnOnce(&mut VenueConfig)) -> Bench {
        let credential = Credential::from_pem("key-1", &fixture("ed25519_pkcs8_v1.pem")).unwrap();
        let urls = VenueUrls::at(&format!("http://{addr}")).unwrap();
        let mut config = VenueConfig::new(urls, Arc::new(credential));
        config.deadlines = Deadlines { read_ms: 2_000, write_ms: 2_000, cancel_ms: 2_000 };
        change(&mut config);
        let (books_lane, books) = mpsc::channel(1_024);
        let (desk_lane, desk) = mpsc::channel(1_024);
        let (requests, requests_lane) = mpsc::channel(1_024);
        let (commands, commands_lane) = mpsc::channel(64);
        let witness = Arc::new(Witness::default());
        let ((look_ups, look_ups_lane), (samples, samples_lane)) = (mpsc::channel(8), mpsc::channel(8));
        // The book keeper is not here to want what is pinned.
        if let Some(tickers) = config.pinned.clone() {
            commands.try_send(FeedCommand::Want { tickers }).unwrap();
        }
        let catalog = Arc::new(Catalog::default());
        let (status, halt) = (Arc::new(VenueStatus::default()), Arc::new(HaltSwitch::default()));
        let ports = VenuePorts {
            books: books_lane,
            desk: desk_lane,
            catalog: catalog.clone(),
            requests: requests_lane,
            feed_commands: commands_lane,
            look_ups: look_ups_lane,
            samples: samples_lane,
            status: status.clone(),
            halt: halt.clone(),
            clock,
            frames: Some(witness.clone()),
        };
        let runtime = tokio::runtime::Handle::current();
        let tasks = start(config, ports, &runtime, CancellationToken::new()).unwrap();
        Bench {
            books,
            desk,
            requests,
            commands,
            look_ups,
            samples,
            catalog,
            status,
            halt,
            tasks,
            witness,
            items: Vec::new(),
        }
    }

    /// Returns the next item of the market lane.
    pub(crate) async fn item(&mut self) -> FeedItem {
        loop {
            while self.items.is_empty() {
                let message =
                    tokio::time::timeout(DEADLINE, self.books.recv()).await.expect("an item in time");
                if let Some(BooksMessage::Feed(batch)) = message {
                    self.items = batch;
                    self.items.reverse();
                }
            }
            match self.items.pop().unwrap() {
                FeedItem::Subscribed {
                    channel: Channel::MultivariateLifecycle | Channel::OrderGroups | Channel::Communications,
                    ..
                } => {}
                item => return item,
            }
        }
    }

    /// Returns the next message to the desk that `wanted` takes.
    pub(crate) async fn desk<T>(&mut self, wanted: impl Fn(DeskMessage) -> Option<T>) -> T {
        let found = async {
            loop {
                if let Some(found) = wanted(self.desk.recv().await.expect("the lane is open")) {
                    return found;
                }
            }
        };
        tokio::time::timeout(DEADLINE, found).await.expect("in time")
    }

    /// Waits until `condition` holds.
    pub(crate) async fn until(&self, what: &str, condition: impl Fn(&VenueStatus) -> bool) {
        let deadline = Instant::now() + DEADLINE;
        while !condition(&self.status) {
            assert!(Instant::now() < deadline, "{what} in time");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

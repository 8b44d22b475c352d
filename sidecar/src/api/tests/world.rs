//! A served API and the parts around it.

use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use actix::Actor as _;
use actix_web::web;
use parking_lot::Mutex;
use serde_json::{Map, Value, json};
use tokio::sync::mpsc;

use outrigger_engine::actors::messages::{BooksHandle, BooksMessage, DeskHandle, DeskMessage};
use outrigger_engine::actors::{Announcer, AnnouncerPorts, announcer_lanes};
use outrigger_engine::book::{BookView, Trust};
use outrigger_engine::desk::command::{DeskAnswer, DeskCommand, DeskError};
use outrigger_engine::desk::read_model::ReadModel;
use outrigger_engine::desk::view::{OrderStatus, OrderView};
use outrigger_engine::domain::{
    Catalog, Clock, Count, IdempotencyKey, Market, MarketStatus, Money, Monotonic, Now, PriceGrid,
    PriceRange, Side, Ticker, VenueTime, WallTime,
};
use outrigger_engine::journal::{NewOrder, OrderSource};
use outrigger_engine::stream::{Announcement, HubLimits};
use outrigger_engine::venue::PublicTrade;

use crate::api::ports::{
    Answer, Degraded, LimitsPort, MetricsPort, Principal, ReadinessPort, ReadyFlags, Scope, TokenPort,
    TradesPort,
};
use crate::api::{AccessRules, ApiParts, ApiState, ServerOptions, start};

pub(super) const TICKER: &str = "KXA-1";
const NOW_US: i64 = 1_790_000_000_000_000;

pub(super) struct World {
    pub(super) address: SocketAddr,
    pub(super) facts: mpsc::Sender<Announcement>,
    pub(super) desk: Arc<PlayedDesk>,
    pub(super) ready: Arc<AtomicBool>,
    pub(super) clock_ms: Arc<AtomicU64>,
    pub(super) read_model: Arc<ReadModel>,
    http: reqwest::Client,
}

/// A desk that keeps idempotency keys and does what a market name tells it to.
#[derive(Default)]
pub(super) struct PlayedDesk {
    pub(super) placed: Mutex<BTreeMap<IdempotencyKey, (String, OrderView)>>,
    /// What the next command is answered with, instead.
    pub(super) next_error: Mutex<Option<DeskError>>,
    pub(super) next_status: Mutex<Option<OrderStatus>>,
    pub(super) causes: Mutex<Vec<String>>,
}

impl PlayedDesk {
    fn answer(&self, command: DeskCommand, read_model: &ReadModel) -> DeskAnswer {
        if let Some(error) = self.next_error.lock().take() {
            return DeskAnswer::Rejected(error);
        }
        match command {
            DeskCommand::Place { order, .. } => self.place(order, read_model),
            DeskCommand::Cancel { order_id } => self.change(order_id, read_model, |order| {
                order.status = OrderStatus::Canceled;
                order.remaining = Count::ZERO;
            }),
            DeskCommand::Amend { order_id, price, count, .. } => self.change(order_id, read_model, |order| {
                order.price = price.unwrap_or(order.price);
                order.count = count.unwrap_or(order.count);
            }),
            DeskCommand::CancelAll => {
                DeskAnswer::Canceled { orders: read_model.orders.read().values().cloned().collect() }
            }
            DeskCommand::SetHalt { mode, reason } => {
                let mut halt = read_model.halt.write();
                (halt.mode, halt.reason) = (mode, reason);
                DeskAnswer::Halt { mode }
            }
        }
    }

    fn place(&self, order: NewOrder, read_model: &ReadModel) -> DeskAnswer {
        let mut placed = self.placed.lock();
        if let Some((fingerprint, first)) = placed.get(&order.idempotency_key) {
            return if *fingerprint == order.fingerprint {
                DeskAnswer::Order { order: first.clone(), replayed: true }
            } else {
                DeskAnswer::Rejected(DeskError::IdempotencyConflict { order_id: first.order_id })
            };
        }
        let view = OrderView {
            order_id: order.order_id,
            client_order_id: Some(order.client_order_id),
            venue_order_id: Some("v-1".into()),
            ticker: order.ticker,
            side: order.side,
            price: order.price,
            count: order.count,
            status: self.next_status.lock().take().unwrap_or(OrderStatus::Resting),
            filled: Count::ZERO,
            remaining: order.count,
            time_in_force: order.time_in_force,
            fees: Money::ZERO,
            source: OrderSource::Local,
            reason: None,
            change_pending: false,
            created_us: WallTime(NOW_US),
            updated_us: WallTime(NOW_US),
        };
        placed.insert(order.idempotency_key, (order.fingerprint, view.clone()));
        read_model.orders.write().insert(view.order_id, view.clone());
        DeskAnswer::Order { order: view, replayed: false }
    }

    fn change(
        &self,
        order_id: outrigger_engine::domain::OrderId,
        read_model: &ReadModel,
        change: impl FnOnce(&mut OrderView),
    ) -> DeskAnswer {
        match read_model.orders.write().get_mut(&order_id) {
            Some(order) => {
                change(order);
                DeskAnswer::Order { order: order.clone(), replayed: false }
            }
            None => DeskAnswer::Rejected(DeskError::NoSuchOrder { order_id }),
        }
    }
}

struct Tokens;
impl TokenPort for Tokens {
    fn check(&self, token: &str) -> Option<Principal> {
        let scope = match token {
            "reader" => Scope::Read,
            "trader" | "trader-2" => Scope::Trade,
            "admin" => Scope::Admin,
            _ => return None,
        };
        Some(Principal { name: token.to_owned(), scope })
    }
}

struct Ready(Arc<AtomicBool>);
impl ReadinessPort for Ready {
    fn flags(&self) -> ReadyFlags {
        let on = self.0.load(Relaxed);
        ReadyFlags {
            streams_ready: on,
            rest_ready: true,
            rate_limiter_ready: true,
            rehydration_ready: true,
            db_worker_ready: true,
            api_routes_ready: true,
        }
    }
    fn degraded(&self) -> Vec<Degraded> {
        let since = "2026-11-21T12:00:00Z".to_owned();
        vec![Degraded { component: "feed".into(), reason: "backing_off".into(), since }]
    }
}

struct Fixed;
impl MetricsPort for Fixed {
    fn render(&self) -> String {
        "# EOF\n".to_owned()
    }
}
impl LimitsPort for Fixed {
    fn limits(&self) -> Map<String, Value> {
        Map::from_iter([("risk".to_owned(), json!({ "max_open_orders": 10 }))])
    }
    fn retry_after_s(&self) -> u64 {
        7
    }
}
impl TradesPort for Fixed {
    fn trades(&self, ticker: Ticker, limit: usize) -> Answer<'_, Result<Vec<PublicTrade>, String>> {
        let trade = |n: usize| PublicTrade {
            trade_id: format!("t-{n}").as_str().into(),
            ticker: ticker.clone(),
            yes_price: "0.5200".parse().unwrap(),
            count: "1.00".parse().unwrap(),
            taker_side: Side::Bid,
            ts_ms: VenueTime(NOW_US / 1000),
        };
        let trades = (0..limit.min(3)).map(trade).collect();
        Box::pin(async move { Ok(trades) })
    }
}

fn market(ticker: &str) -> Market {
    let range = |start: &str, end: &str, step: &str| PriceRange {
        start: start.parse().unwrap(),
        end: end.parse().unwrap(),
        step: step.parse().unwrap(),
    };
    Market {
        ticker: ticker.into(),
        event_ticker: "KXA".into(),
        title: "Will it rain?".into(),
        status: MarketStatus::Active,
        grid: PriceGrid::new(vec![range("0.0000", "1.0000", "0.0100")]),
        exchange_index: 1,
        open_time: None,
        close_time: None,
        result: String::new(),
    }
}

pub(super) fn book(ticker: &str) -> BookView {
    let level = |price: &str, count: &str| (price.parse().unwrap(), count.parse().unwrap());
    BookView {
        ticker: ticker.into(),
        seq: 7,
        trust: Trust::Live,
        age_ms: 12,
        yes: vec![level("0.4700", "3.00")],
        no: vec![level("0.4800", "2.00")],
    }
}

impl World {
    /// Starts everything on this thread's actix system. Bounds of the stream as given.
    pub(super) fn start(limits: HubLimits) -> World {
        let read_model = Arc::new(ReadModel::default());
        let desk = Arc::new(PlayedDesk::default());
        let (desk_lane, mut commands) = mpsc::channel(64);
        let (played, model) = (desk.clone(), read_model.clone());
        actix_web::rt::spawn(async move {
            while let Some(message) = commands.recv().await {
                if let DeskMessage::Command { command, cause, reply } = message {
                    played.causes.lock().push(cause);
                    let _ = reply.send(played.answer(command, &model));
                }
            }
        });
        let clock_ms = Arc::new(AtomicU64::new(0));
        let ticking = clock_ms.clone();
        let clock: Clock = Arc::new(move || Now {
            wall: WallTime(NOW_US),
            monotonic: Monotonic(ticking.load(Relaxed) * 1_000_000),
        });
        let (handle, lanes) = announcer_lanes(1_024, &limits);
        let books = books(handle.facts());
        let ports = AnnouncerPorts {
            books: books.clone(),
            source: read_model.clone(),
            stats: Arc::default(),
            clock: clock.clone(),
            epoch: "e1".into(),
            limits,
        };
        Announcer::new(lanes, ports).start();
        let catalog = Arc::new(Catalog::default());
        catalog.put((1..=5).map(|n| market(&format!("KXA-{n}"))));
        let ready = Arc::new(AtomicBool::new(true));
        let facts = handle.facts();
        let access = AccessRules::with(&[], &["http://ui.test:3000".to_owned()]);
        let state = ApiState::new(ApiParts {
            env: "sim".into(),
            epoch: "e1".into(),
            desk: DeskHandle::new(desk_lane),
            books,
            announcer: handle,
            read_model: read_model.clone(),
            catalog,
            readiness: Arc::new(Ready(ready.clone())),
            tokens: Arc::new(Tokens),
            metrics: Arc::new(Fixed),
            limits: Arc::new(Fixed),
            trades: Arc::new(Fixed),
            clock,
            access,
            stream_limits: limits,
        });
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let options = ServerOptions { workers: 1, stop_within_s: 1 };
        actix_web::rt::spawn(start(listener, web::Data::new(state), options).unwrap());
        rustls::crypto::ring::default_provider().install_default().ok();
        let http = reqwest::Client::builder().timeout(Duration::from_secs(10)).build().unwrap();
        World { address, facts, desk, ready, clock_ms, read_model, http }
    }

    pub(super) fn request(&self, method: &str, path: &str, token: &str) -> reqwest::RequestBuilder {
        let url = format!("http://{}{path}", self.address);
        let request = self.http.request(method.parse().unwrap(), url);
        if token.is_empty() { request } else { request.bearer_auth(token) }
    }

    /// Sends a request and returns status, headers and body.
    pub(super) async fn send(request: reqwest::RequestBuilder) -> (u16, reqwest::header::HeaderMap, Value) {
        let answer = request.send().await.unwrap();
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let text = answer.text().await.unwrap();
        (status, headers, serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    pub(super) async fn get(&self, path: &str) -> (u16, Value) {
        let (status, _, body) = World::send(self.request("GET", path, "reader")).await;
        (status, body)
    }

    pub(super) async fn post_order(
        &self,
        key: &str,
        body: Value,
    ) -> (u16, reqwest::header::HeaderMap, Value) {
        let request = self.request("POST", "/v1/orders", "trader").header("Idempotency-Key", key);
        World::send(request.json(&body)).await
    }
}

/// Keeps one book, of `TICKER`.
fn books(facts: mpsc::Sender<Announcement>) -> BooksHandle {
    let (lane, mut messages) = mpsc::channel(64);
    actix_web::rt::spawn(async move {
        while let Some(message) = messages.recv().await {
            match message {
                BooksMessage::Read { ticker, reply } => {
                    let _ = reply.send((ticker.as_str() == TICKER).then(|| book(TICKER)));
                }
                BooksMessage::Announce { ticker } if ticker.as_str() == TICKER => {
                    let received = Now { wall: WallTime(NOW_US), ..Now::default() };
                    let view = book(TICKER);
                    let _ = facts.send(Announcement::BookSnapshot { view, received, requested: true }).await;
                }
                BooksMessage::Announce { .. }
                | BooksMessage::Feed(_)
                | BooksMessage::Trades(_)
                | BooksMessage::Clients { .. }
                | BooksMessage::Sampled(_) => {}
            }
        }
    });
    BooksHandle::new(lane)
}

//! The routes on a quiet exchange of their own: every reply and refusal as a client sees it.

mod account;
mod bounds;
mod candles;
mod catalog;
mod combos;
mod communications;
mod history;
mod keys;
mod life;
mod limits;
mod markets;
mod orders;
mod portfolio;
mod specification;

use std::collections::BTreeMap;
use std::sync::Arc;

use actix_http::Request;
use actix_web::body::MessageBody;
use actix_web::dev::{Service, ServiceResponse};
use actix_web::http::Method;
use actix_web::test::{TestRequest, init_service, read_body};
use actix_web::{App, Error};
use serde_json::Value;

use crate::auth::KeyRing;
use crate::host::Exchange;
use crate::socket::client::{TestKey, run};
use crate::time::{Clock, wall_us};
use crate::venue::Venue;
use crate::venue::fees::{FeeKind, FeeSchedule};
use crate::venue::grid::{Grid, LINEAR_CENT, TAPERED_DECI_CENT};
use crate::venue::market::{Listing, Outcome};

use super::{BASE, Bucket, HttpState, Limits, configure};

const SECOND_US: i64 = 1_000_000;
const HOUR_US: i64 = 3_600 * SECOND_US;

/// What a test exchange is like.
struct Setup {
    limits: Limits,
    read_lag_us: i64,
}

impl Default for Setup {
    fn default() -> Self {
        let bucket = Bucket { refill_rate: 1_000, bucket_capacity: 100_000 };
        let limits = Limits {
            usage_tier: "advanced".to_owned(),
            read: bucket,
            write: bucket,
            balance_per_second: 1_000,
        };
        Self { limits, read_lag_us: 0 }
    }
}

/// An exchange with two members and three markets: A and B of one event on shard 0, C on shard 2.
struct World {
    exchange: Arc<Exchange>,
    state: HttpState,
}

impl World {
    fn new(setup: Setup) -> Self {
        let mut venue = Venue::new(1);
        for _ in 0..2 {
            let cash = BTreeMap::from([(0, 1_000_000_000), (1, 0), (2, 1_000_000_000), (3, 0)]);
            venue.open_account(false, cash);
        }
        let now_us = wall_us();
        let close_us = now_us + HOUR_US;
        venue.list(listing("KXT-26-A", "KXT-26", 0, LINEAR_CENT, now_us, close_us), now_us);
        venue.list(listing("KXT-26-B", "KXT-26", 0, TAPERED_DECI_CENT, now_us, close_us), now_us);
        venue.list(listing("KXU-26-C", "KXU-26", 2, LINEAR_CENT, now_us, close_us), now_us);
        venue.advance(now_us);
        let exchange = Arc::new(Exchange::with_clock(venue, Clock::real(), setup.read_lag_us));
        let pems: Vec<String> = (1..=2).map(|seed| TestKey::new(seed).public_pem()).collect();
        let ids = ["key-1", "key-2"];
        let keys = KeyRing::new(ids.into_iter().zip(pems.iter().map(String::as_str))).unwrap();
        let state = HttpState::new(Arc::clone(&exchange), Arc::new(keys), None, setup.limits);
        Self { exchange, state }
    }
}

fn listing(ticker: &str, event: &str, shard: i64, grid: Grid, open_us: i64, close_us: i64) -> Listing {
    Listing {
        ticker: ticker.to_owned(),
        event_ticker: event.to_owned(),
        series_ticker: event.split('-').next().unwrap().to_owned(),
        event_title: "an event".to_owned(),
        title: "a market".to_owned(),
        yes_sub_title: "yes".to_owned(),
        exchange_index: shard,
        grid,
        fees: FeeSchedule { kind: FeeKind::Quadratic, multiplier: 1_000 },
        open_us,
        close_us,
        settlement_timer_s: 10,
        can_close_early: true,
        outcome: Outcome { result: "yes", value: 10_000 },
        first_price: 5_000,
    }
}

/// What came back.
#[derive(Debug)]
struct Answer {
    status: u16,
    body: Value,
    headers: BTreeMap<String, String>,
}

impl Answer {
    fn code(&self) -> &str {
        let error = self.body.get("error").unwrap_or(&self.body);
        error["code"].as_str().unwrap_or_default()
    }
}

/// Sends requests to the routes of a world.
struct Client<S> {
    app: S,
}

impl<S, B> Client<S>
where
    S: Service<Request, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody,
{
    async fn send(&self, request: TestRequest) -> Answer {
        let request = request.to_request();
        let (method, path) = (request.method().clone(), request.uri().to_string());
        let response = self.app.call(request).await.unwrap();
        let status = response.status().as_u16();
        let text = |value: &actix_web::http::header::HeaderValue| value.to_str().unwrap().to_owned();
        let headers =
            response.headers().iter().map(|(name, value)| (name.to_string(), text(value))).collect();
        let bytes = read_body(response).await;
        if let Some(tape) = crate::tape::Tape::of_tests() {
            tape.reply(method.as_str(), &path, status, &bytes);
        }
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        Answer { status, body, headers }
    }

    /// Sends an unsigned GET.
    async fn public(&self, path: &str) -> Answer {
        self.send(TestRequest::get().uri(&format!("{BASE}{path}"))).await
    }

    async fn signed(&self, seed: u8, method: Method, path: &str, body: Option<Value>) -> Answer {
        let full = format!("{BASE}{path}");
        let bare = full.split('?').next().unwrap();
        let mut request = TestRequest::with_uri(&full).method(method.clone());
        for header in TestKey::new(seed).headers(&format!("key-{seed}"), method.as_str(), bare) {
            request = request.insert_header(header);
        }
        self.send(match body {
            Some(body) => request.set_json(body),
            None => request,
        })
        .await
    }

    async fn get(&self, path: &str) -> Answer {
        self.signed(1, Method::GET, path, None).await
    }

    async fn post(&self, path: &str, body: Value) -> Answer {
        self.signed(1, Method::POST, path, Some(body)).await
    }

    async fn delete(&self, path: &str) -> Answer {
        self.signed(1, Method::DELETE, path, None).await
    }

    /// Places an order as a member and returns the reply.
    async fn place(&self, seed: u8, order: Value) -> Answer {
        self.signed(seed, Method::POST, "/portfolio/events/orders", Some(order)).await
    }
}

/// Returns the body of a good-till-canceled order.
fn order(ticker: &str, side: &str, price: &str, count: &str) -> Value {
    serde_json::json!({
        "ticker": ticker,
        "side": side,
        "price": price,
        "count": count,
        "time_in_force": "good_till_canceled",
        "self_trade_prevention_type": "taker_at_cross",
    })
}

/// Adds a field to a body.
fn with(mut body: Value, key: &str, value: impl Into<Value>) -> Value {
    body.as_object_mut().unwrap().insert(key.to_owned(), value.into());
    body
}

/// Makes the routes of a world callable.
async fn client(
    world: &World,
) -> Client<impl Service<Request, Response = ServiceResponse<impl MessageBody>, Error = Error>> {
    let state = world.state.clone();
    Client { app: init_service(App::new().configure(|config| configure(config, state))).await }
}

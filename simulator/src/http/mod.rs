//! The exchange's REST interface: routes, signatures, limits, and the shapes of replies and refusals.
//!
//! Decides nothing about trading: every order goes to the venue, every reply is made of what the venue says.
//! Never answers a signed route before its signature was verified.

mod account;
mod body;
mod bucket;
mod candles;
mod collections;
mod communications;
mod costs;
mod error;
mod events;
mod exchange;
mod gate;
mod historical;
mod keys;
mod lock;
mod markets;
mod order_groups;
mod orders;
mod page;
mod permission;
mod place;
mod place_batch;
mod portfolio;
mod query;
mod routing;
mod search;
mod series;
mod subaccounts;
mod tiers;
mod trades;
mod transfers;
mod wire;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use actix_web::http::header;
use actix_web::middleware::from_fn;
use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse, Resource};
use parking_lot::Mutex;

use crate::auth::KeyRing;
use crate::host::Exchange;
use crate::replay::Recording;

pub use bucket::Bucket;

use error::ApiError;
use gate::Gates;

/// Where the REST interface lives.
pub const BASE: &str = "/trade-api/v2";
/// The largest body that is read.
const BODY_BYTES_MAX: usize = 1024 * 1024;

/// What members get: their tier and its token buckets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    pub usage_tier: String,
    pub read: Bucket,
    pub write: Bucket,
    /// The balance has a bucket of its own, without any burst beyond one second.
    pub balance_per_second: u32,
}

/// Everything that requests share.
#[derive(Clone)]
pub struct HttpState(Arc<Shared>);

struct Shared {
    exchange: Arc<Exchange>,
    keys: Arc<KeyRing>,
    /// Serves the books of a recording instead of the exchange's own.
    recording: Option<Arc<Recording>>,
    limits: Limits,
    gates: Mutex<Gates>,
}

impl HttpState {
    /// Puts an exchange, its keys and its limits behind the routes.
    #[must_use]
    pub fn new(
        exchange: Arc<Exchange>,
        keys: Arc<KeyRing>,
        recording: Option<Arc<Recording>>,
        limits: Limits,
    ) -> Self {
        let gates = Mutex::new(Gates::new(&limits));
        Self(Arc::new(Shared { exchange, keys, recording, limits, gates }))
    }

    /// Returns the exchange's time.
    fn now_us(&self) -> i64 {
        self.0.exchange.now_us()
    }
}

/// What a handler answers.
type Reply = Result<HttpResponse, ApiError>;

/// Registers all routes, and what answers where there is none.
pub fn configure(config: &mut ServiceConfig, state: HttpState) {
    config
        .app_data(web::Data::new(state))
        .app_data(web::PayloadConfig::new(BODY_BYTES_MAX))
        .service(
            web::scope(BASE)
                .wrap(from_fn(lock::keep))
                .configure(exchange::routes)
                .configure(account::routes)
                .configure(candles::routes)
                .configure(collections::routes)
                .configure(historical::routes)
                .configure(keys::routes)
                .configure(search::routes)
                .configure(markets::routes)
                .configure(events::routes)
                .configure(series::routes)
                .configure(place::routes)
                .configure(orders::routes)
                .configure(order_groups::routes)
                .configure(subaccounts::routes)
                .configure(transfers::routes)
                .configure(portfolio::routes)
                .configure(communications::routes),
        )
        .default_service(web::to(no_route));
}

/// Makes a resource whose other methods are unknown paths, as at the exchange.
fn resource(path: &str) -> Resource {
    web::resource(path).default_service(web::to(no_route))
}

/// Sends a path with a slash at its end to the one without; nothing else is there.
async fn no_route(request: HttpRequest) -> Reply {
    let path = request.path();
    match path.strip_suffix('/') {
        Some(bare) if bare.starts_with(BASE) => {
            let query = request.query_string();
            let location = if query.is_empty() { bare.to_owned() } else { format!("{bare}?{query}") };
            Ok(HttpResponse::MovedPermanently().insert_header((header::LOCATION, location)).finish())
        }
        _ => Err(ApiError::not_found("no such path")),
    }
}

/// Answers with JSON.
fn json(body: &serde_json::Value) -> HttpResponse {
    HttpResponse::Ok().json(body)
}

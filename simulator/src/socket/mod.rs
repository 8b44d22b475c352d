//! The exchange's WebSocket: one signed connection, many subscriptions.
//!
//! `connection` carries bytes and knows no channel; `subscription` holds the rules of the commands; what fills
//! the channels is the live exchange or a recording.

pub(crate) mod book_frame;
pub(crate) mod channel;
pub(crate) mod command;
pub(crate) mod connection;
pub(crate) mod control;
mod fanout;
mod inbox;
pub(crate) mod live;
pub(crate) mod outbox;
pub(crate) mod subscription;
mod text;

#[cfg(test)]
pub(crate) mod client;
#[cfg(test)]
mod living_tests;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use tokio_util::sync::CancellationToken;

use crate::auth::{AccountRef, KeyRing, Scope};
use crate::faults::frame::FrameFaults;
use crate::faults::skew_ms;
use crate::faults::stream::Cuts;
use crate::host::Exchange;
use crate::replay::Recording;
use crate::tape::Tape;
use crate::time::{Clock, wall_us};

use connection::Wire;
use live::port::LiveExchange;
use live::session::LiveSession;

/// Where the WebSocket lives.
pub const PATH: &str = "/trade-api/ws/v2";

/// Opens a connection for the account of a verified key.
type Open = dyn Fn(&HttpRequest, web::Payload, &AccountRef, Wire) -> HttpResponse + Send + Sync;

/// What is behind the WebSocket.
#[derive(Clone)]
pub struct Feed(Arc<Open>);

impl Feed {
    /// Serves a recording.
    pub fn replay(recording: Arc<Recording>) -> Self {
        // What a recording says is not the exchange's own: it stays off the tape.
        Self(Arc::new(move |request, payload, _, wire| {
            connection::serve(request, payload, recording.session(), Wire { track: None, ..wire })
        }))
    }

    /// Serves the running exchange.
    pub fn live(exchange: Arc<Exchange>) -> Self {
        Self::over(exchange)
    }

    /// Serves anything that is an exchange to the live channels.
    fn over<E: LiveExchange + Send + Sync>(exchange: Arc<E>) -> Self {
        Self(Arc::new(move |request, payload, account, wire| {
            let (lock, clock) = (account.grant.subaccount, Arc::clone(&wire.clock));
            let session = LiveSession::new(Arc::clone(&exchange), account.index, lock, clock);
            connection::serve(request, payload, session, wire)
        }))
    }
}

/// Everything a connection needs, shared by all workers.
#[derive(Clone)]
pub struct SocketState {
    pub keys: Arc<KeyRing>,
    pub feed: Feed,
    pub clock: Arc<Clock>,
    /// Records every frame, if the exchange has a tape.
    pub tape: Option<Arc<Tape>>,
    /// Cancelled when the exchange stops: open connections are closed in order.
    pub stop: CancellationToken,
}

/// Registers the WebSocket route.
pub fn configure(config: &mut web::ServiceConfig, state: SocketState) {
    config.service(web::resource(PATH).app_data(web::Data::new(state)).route(web::get().to(upgrade)));
}

/// Verifies the signature of the upgrade request and opens the connection.
async fn upgrade(request: HttpRequest, payload: web::Payload, state: web::Data<SocketState>) -> HttpResponse {
    let now_ms = wall_us().div_euclid(1_000) + skew_ms(&request);
    match state.keys.verify_upgrade(request.headers(), request.path(), now_ms) {
        Ok(account) if !account.grant.allows(Scope::Read) => HttpResponse::Forbidden()
            .content_type("application/json")
            .body(r#"{"error":{"code":"forbidden","message":"forbidden","details":"the key has no scope read"}}"#),
        Ok(account) => {
            let track = state.tape.as_ref().map(Tape::track);
            let wire = Wire {
                clock: Arc::clone(&state.clock),
                track,
                faults: FrameFaults::of(&request),
                cuts: Cuts::of(&request),
                stop: state.stop.clone(),
            };
            (state.feed.0)(&request, payload, &account, wire)
        }
        Err(refusal) => {
            let status = StatusCode::from_u16(refusal.status()).unwrap_or(StatusCode::UNAUTHORIZED);
            HttpResponse::build(status).content_type("application/json").body(refusal.body())
        }
    }
}

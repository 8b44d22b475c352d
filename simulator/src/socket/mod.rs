//! The exchange's WebSocket: one signed connection, many subscriptions.
//!
//! `connection` carries bytes and knows no channel; `subscription` holds the rules of the commands; what fills
//! the channels is the live exchange or a recording.

pub(crate) mod book_frame;
pub(crate) mod channel;
pub(crate) mod command;
pub(crate) mod connection;
pub(crate) mod control;
mod inbox;
pub(crate) mod outbox;
pub(crate) mod subscription;

#[cfg(test)]
pub(crate) mod client;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, web};
use tokio_util::sync::CancellationToken;

use crate::auth::KeyRing;
use crate::replay::Recording;

/// Where the WebSocket lives.
pub const PATH: &str = "/trade-api/ws/v2";

/// What is behind the WebSocket.
#[derive(Clone)]
pub enum Feed {
    Replay(Arc<Recording>),
}

/// Everything a connection needs, shared by all workers.
#[derive(Clone)]
pub struct SocketState {
    pub keys: Arc<KeyRing>,
    pub feed: Feed,
    /// Cancelled when the exchange stops: open connections are closed in order.
    pub stop: CancellationToken,
}

/// Registers the WebSocket route.
pub fn configure(config: &mut web::ServiceConfig, state: SocketState) {
    config.service(web::resource(PATH).app_data(web::Data::new(state)).route(web::get().to(upgrade)));
}

/// Verifies the signature of the upgrade request and opens the connection.
async fn upgrade(request: HttpRequest, payload: web::Payload, state: web::Data<SocketState>) -> HttpResponse {
    let now_ms = outbox::wall_ms();
    if let Err(refusal) = state.keys.verify_upgrade(request.headers(), request.path(), now_ms) {
        let status = actix_web::http::StatusCode::from_u16(refusal.status())
            .unwrap_or(actix_web::http::StatusCode::UNAUTHORIZED);
        return HttpResponse::build(status).content_type("application/json").body(refusal.body());
    }
    let stop = state.stop.clone();
    match &state.feed {
        Feed::Replay(recording) => connection::serve(&request, payload, recording.session(), stop),
    }
}

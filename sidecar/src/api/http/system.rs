//! Health, readiness, metrics, documents, stream tickets.

use actix_web::http::header::CONTENT_TYPE;
use actix_web::{HttpMessage as _, HttpRequest, HttpResponse, web};
use serde::Serialize;
use serde_json::json;

use super::document;
use crate::api::ports::{Degraded, Principal, ReadyFlags};
use crate::api::problem::{self, Problem};
use crate::api::state::ApiState;
use crate::api::ticket::TICKET_TTL_MS;

/// `GET /healthz`
pub(super) async fn healthz() -> HttpResponse {
    HttpResponse::Ok().json(json!({ "status": "ok" }))
}

#[derive(Serialize)]
struct Readiness {
    ready: bool,
    flags: ReadyFlags,
    degraded: Vec<Degraded>,
}

/// `GET /readyz`
pub(super) async fn readyz(state: web::Data<ApiState>) -> HttpResponse {
    let flags = state.parts.readiness.flags();
    let degraded = state.parts.readiness.degraded();
    let body = Readiness { ready: flags.all(), flags, degraded };
    if flags.all() {
        HttpResponse::Ok().json(body)
    } else {
        HttpResponse::ServiceUnavailable().insert_header(("Retry-After", "1")).json(body)
    }
}

/// `GET /metrics`
pub(super) async fn metrics(state: web::Data<ApiState>) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8"))
        .body(state.parts.metrics.render())
}

/// `GET /openapi.json`
pub(super) async fn openapi() -> HttpResponse {
    HttpResponse::Ok().json(document::openapi())
}

/// `GET /asyncapi.json`
pub(super) async fn asyncapi() -> HttpResponse {
    HttpResponse::Ok().json(crate::api::ws::asyncapi())
}

/// `POST /v1/stream/ticket`
pub(super) async fn ticket(state: web::Data<ApiState>, req: HttpRequest) -> Result<HttpResponse, Problem> {
    let principal = req.extensions().get::<Principal>().cloned();
    let principal = principal.ok_or_else(|| Problem::new(problem::AUTH_MISSING, "no token"))?;
    let issued = state.tickets.issue(principal, (state.parts.clock)().monotonic);
    let full = || Problem::new(problem::AUTH_TICKETS_FULL, "wait until tickets are used or expire");
    let ticket = issued.ok_or_else(full)?;
    Ok(HttpResponse::Created().json(json!({ "ticket": ticket, "expires_in_ms": TICKET_TTL_MS })))
}

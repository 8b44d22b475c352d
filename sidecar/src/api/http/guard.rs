//! What every request passes, those for routes that do not exist included.
//!
//! Order: request id, Host, Origin, token; then, at the route, method and scope. Nothing reaches a handler otherwise (I14).

use std::sync::Arc;
use std::time::Duration;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage as _, HttpResponse, web};
use uuid::Uuid;

use super::routes::RouteSpec;
use crate::api::access::authenticate;
use crate::api::ports::Principal;
use crate::api::problem::{self, Problem};
use crate::api::state::ApiState;

/// Routes that answer without a token: whether the process lives and is ready is no secret on this machine.
const OPEN_PATHS: [&str; 2] = ["/healthz", "/readyz"];
pub(super) const STREAM_PATH: &str = "/v1/stream";
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const REQUEST_ID_BYTES_MAX: usize = 128;

/// The request's id: the client's own, or one made here. It is the cause of whatever the request leads to.
#[derive(Debug, Clone)]
pub(crate) struct RequestId(pub(crate) String);

/// Runs before everything else.
pub(crate) async fn guard(
    state: web::Data<ApiState>,
    req: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let started = (state.parts.clock)().monotonic;
    let id = request_id(req.headers());
    let allowed_origin = match state.parts.access.check_origin(req.headers()) {
        Ok(origin) => Ok(origin.cloned()),
        Err(problem) => Err(problem),
    };
    req.extensions_mut().insert(RequestId(id.clone()));
    let checked = admit(&state, &req, &allowed_origin);
    let mut answer = match checked {
        Admission::Pass(principal) => {
            if let Some(principal) = principal {
                req.extensions_mut().insert(principal);
            }
            next.call(req).await?.map_into_boxed_body()
        }
        Admission::Answer(answer) => req.into_response(answer).map_into_boxed_body(),
    };
    let headers = answer.headers_mut();
    if let Ok(value) = HeaderValue::from_str(&id) {
        headers.insert(REQUEST_ID, value);
    }
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if let Ok(Some(origin)) = allowed_origin {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(header::VARY, HeaderValue::from_static("Origin"));
        let exposed = "X-Request-Id, Idempotency-Replayed, Location, Retry-After";
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(exposed));
    }
    let took = (state.parts.clock)().monotonic.0.saturating_sub(started.0);
    let (request, status) = (answer.request(), answer.status().as_u16());
    let (route, method) = (request.match_pattern(), request.method().as_str());
    state.parts.metrics.answered(route.as_deref(), method, status, Duration::from_nanos(took));
    Ok(answer)
}

enum Admission {
    Pass(Option<Principal>),
    Answer(HttpResponse),
}

fn admit(state: &ApiState, req: &ServiceRequest, origin: &Result<Option<HeaderValue>, Problem>) -> Admission {
    let authority = req.uri().authority().map(|authority| authority.as_str());
    if let Err(problem) = state.parts.access.check_host(req.headers(), authority) {
        return Admission::Answer(problem.response());
    }
    match origin {
        Err(problem) => return Admission::Answer(problem.response()),
        Ok(Some(_)) if is_preflight(req) => return Admission::Answer(preflight()),
        Ok(_) => {}
    }
    if OPEN_PATHS.contains(&req.path()) {
        return Admission::Pass(None);
    }
    let is_ticketed = req.path() == STREAM_PATH && !req.headers().contains_key(header::AUTHORIZATION);
    let ticket = if is_ticketed { ticket_of(req.query_string()) } else { None };
    let principal = match ticket {
        Some(ticket) => {
            let holder = state.tickets.redeem(ticket, (state.parts.clock)().monotonic);
            let detail = "the ticket is unknown, used or older than 10 s; ask POST /v1/stream/ticket again";
            holder.ok_or_else(|| Problem::new(problem::AUTH_TICKET, detail))
        }
        None => authenticate(req.headers(), &*state.parts.tokens),
    };
    match principal {
        Ok(principal) => Admission::Pass(Some(principal)),
        Err(problem) => Admission::Answer(problem.response()),
    }
}

fn request_id(headers: &HeaderMap) -> String {
    let given = headers.get(REQUEST_ID).and_then(|value| value.to_str().ok());
    let is_fit = |id: &&str| {
        !id.is_empty() && id.len() <= REQUEST_ID_BYTES_MAX && id.bytes().all(|b| b.is_ascii_graphic())
    };
    given.filter(is_fit).map_or_else(|| Uuid::now_v7().to_string(), str::to_owned)
}

fn ticket_of(query: &str) -> Option<&str> {
    query.split('&').find_map(|pair| pair.strip_prefix("ticket="))
}

fn is_preflight(req: &ServiceRequest) -> bool {
    req.method() == Method::OPTIONS && req.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
}

/// Tells a browser what an allowed page may send. It carries no token and reaches no handler.
fn preflight() -> HttpResponse {
    HttpResponse::NoContent()
        .insert_header((header::ACCESS_CONTROL_ALLOW_METHODS, "GET, POST, PUT, PATCH, DELETE"))
        .insert_header((
            header::ACCESS_CONTROL_ALLOW_HEADERS,
            "Authorization, Content-Type, Idempotency-Key, X-Request-Id",
        ))
        .insert_header((header::ACCESS_CONTROL_MAX_AGE, "600"))
        .finish()
}

/// Runs at a route that exists: is the method known there, and is the scope large enough?
pub(super) async fn gate(
    specs: Arc<Vec<RouteSpec>>,
    req: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    // HEAD is a GET without its body.
    let method = if req.method() == Method::HEAD { Method::GET } else { req.method().clone() };
    let Some(spec) = specs.iter().find(|spec| spec.method == method) else {
        let methods: Vec<&str> = specs.iter().map(|spec| spec.method.as_str()).collect();
        let detail = format!("{} takes {}", req.path(), methods.join(", "));
        let mut refusal = Problem::new(problem::METHOD, detail);
        if let Ok(allow) = HeaderValue::from_str(&methods.join(", ")) {
            refusal = refusal.with_header(header::ALLOW, allow);
        }
        return Ok(req.into_response(refusal.response()).map_into_boxed_body());
    };
    if let Some(needed) = spec.scope {
        let has = req.extensions().get::<Principal>().map(|principal| principal.scope);
        if has.is_none_or(|scope| scope < needed) {
            let detail = format!(
                "{method} {} needs scope {}, the token has {}",
                spec.path,
                needed.as_str(),
                has.map_or("none", |scope| scope.as_str())
            );
            let refusal = Problem::new(problem::AUTH_SCOPE, detail);
            return Ok(req.into_response(refusal.response()).map_into_boxed_body());
        }
    }
    Ok(next.call(req).await?.map_into_boxed_body())
}

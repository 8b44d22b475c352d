//! Carries out faults on requests: a middleware around every route, the upgrade included.
//!
//! The handler runs before the fault where the fault says so. Control routes are left alone.

use std::time::Duration;

use actix_http::ConnectionType;
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage as _, HttpResponse, web};
use bytes::Bytes;

use crate::auth::KEY_HEADER;
use crate::http::BASE;
use crate::socket;

use super::link::Mode;
use super::reply;
use super::rule::{Fault, Place};
use super::{Faults, Skew, control};

/// Replies that are kept for stale reads at most.
const KEPT_MAX: usize = 1_024;
/// A request that is never answered is forgotten after this.
const HANG_MAX: Duration = Duration::from_secs(600);

type Reply = Result<ServiceResponse<BoxBody>, Error>;

/// A reply that a stale read can show again.
#[derive(Debug, Clone)]
pub(super) struct Kept {
    status: StatusCode,
    body: Bytes,
}

/// Stands between the client and the routes.
pub(crate) async fn interpose(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let faults = request.app_data::<web::Data<Faults>>().map(|faults| Faults::clone(faults));
    let Some(faults) = faults.filter(|_| !request.path().starts_with(control::BASE)) else {
        return run(request, &next).await;
    };
    let reply = if request.path() == socket::PATH {
        on_upgrade(&faults, request, &next).await
    } else {
        on_request(&faults, request, &next).await
    };
    faults.0.answered.send_modify(|count| *count += 1);
    reply
}

async fn on_upgrade<B: MessageBody + 'static>(
    faults: &Faults,
    request: ServiceRequest,
    next: &Next<B>,
) -> Reply {
    match faults.decide(&Place::Upgrade) {
        Some(Fault::Trickle { ms }) => {
            trickle(faults, &request, ms);
            run(request, next).await
        }
        Some(fault) => apply(fault, faults, request, next).await,
        None if faults.refuses_upgrades() => {
            Ok(request.into_response(refused(StatusCode::SERVICE_UNAVAILABLE)))
        }
        None => run(request, next).await,
    }
}

async fn on_request<B: MessageBody + 'static>(
    faults: &Faults,
    request: ServiceRequest,
    next: &Next<B>,
) -> Reply {
    let (fault, keeps) = {
        let path = request.path().strip_prefix(BASE).unwrap_or(request.path());
        let place = Place::Request { method: request.method().as_str(), path };
        (faults.decide(&place), faults.0.rules.lock().keeps(&place))
    };
    let key = keeps.then(|| key(&request));
    if fault == Some(Fault::Stale)
        && let Some(kept) = key.as_ref().and_then(|key| faults.0.kept.lock().get(key).cloned())
    {
        let reply = HttpResponse::build(kept.status).content_type("application/json").body(kept.body);
        return Ok(request.into_response(reply));
    }
    let reply = match fault {
        Some(fault) => apply(fault, faults, request, next).await?,
        None => run(request, next).await?,
    };
    match key.filter(|_| reply.status().is_success()) {
        Some(key) => {
            let status = reply.status();
            rewrite(reply, |body| keep(faults, key, Kept { status, body: body.clone() }))
        }
        None => Ok(reply),
    }
}

/// Keeps a reply for the next stale read and returns its body.
fn keep(faults: &Faults, key: String, reply: Kept) -> Bytes {
    let body = reply.body.clone();
    let mut kept = faults.0.kept.lock();
    if kept.len() >= KEPT_MAX {
        kept.clear();
    }
    kept.insert(key, reply);
    body
}

async fn apply<B: MessageBody + 'static>(
    fault: Fault,
    faults: &Faults,
    request: ServiceRequest,
    next: &Next<B>,
) -> Reply {
    match fault {
        Fault::Drop { executed } => cut(faults, request, next, executed, Some(Mode::Close)).await,
        Fault::Reset { executed } => cut(faults, request, next, executed, Some(Mode::Reset)).await,
        Fault::Hang { executed } => cut(faults, request, next, executed, None).await,
        Fault::HalfOpen => cut(faults, request, next, false, Some(Mode::Frozen)).await,
        Fault::Status { executed, status } => refuse(request, next, executed, status).await,
        Fault::Delay { ms } => {
            let reply = run(request, next).await;
            tokio::time::sleep(span(ms)).await;
            reply
        }
        Fault::Duplicate => twice(request, next).await,
        Fault::Reorder { ms } => {
            let mut answered = faults.0.answered.subscribe();
            let _ = tokio::time::timeout(span(ms), answered.changed()).await;
            run(request, next).await
        }
        Fault::NoOrder => rewrite(run(request, next).await?, |_| Bytes::from_static(b"{}")),
        Fault::Malformed => rewrite(run(request, next).await?, reply::malformed),
        Fault::UnknownFields => rewrite(run(request, next).await?, reply::unknown_fields),
        Fault::Huge { bytes } => rewrite(run(request, next).await?, |body| reply::huge(body, bytes)),
        Fault::Trickle { ms } => {
            trickle(faults, &request, ms);
            let mut reply = run(request, next).await?;
            // The pace stays with the connection, so the connection goes with the reply.
            reply.response_mut().head_mut().set_connection_type(ConnectionType::Close);
            Ok(reply)
        }
        Fault::Skew { ms } => skewed(request, next, ms).await,
        // A stale read without an earlier reply is a fresh one; the rest is for sockets.
        Fault::Stale
        | Fault::UnknownType
        | Fault::LeaveOut { .. }
        | Fault::Gap { .. }
        | Fault::Mute { .. }
        | Fault::Overflow
        | Fault::Maintenance { .. } => run(request, next).await,
    }
}

async fn run<B: MessageBody + 'static>(request: ServiceRequest, next: &Next<B>) -> Reply {
    Ok(next.call(request).await?.map_into_boxed_body())
}

/// Never answers; what becomes of the connection is `mode`.
async fn cut<B: MessageBody + 'static>(
    faults: &Faults,
    request: ServiceRequest,
    next: &Next<B>,
    executed: bool,
    mode: Option<Mode>,
) -> Reply {
    let link = faults.link_of(request.request());
    let reply = if executed {
        run(request, next).await?
    } else {
        request.into_response(refused(StatusCode::SERVICE_UNAVAILABLE))
    };
    if let Some(link) = link {
        if let Some(mode) = mode {
            link.set(mode);
        }
        let _ = tokio::time::timeout(HANG_MAX, link.ended.cancelled()).await;
        link.set(Mode::Close);
    }
    // Goes to a connection that is no more.
    Ok(reply)
}

/// Answers with a status that nobody decided. The exchange's status keeps its body.
async fn refuse<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: &Next<B>,
    executed: bool,
    status: u16,
) -> Reply {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let keeps_body =
        status.is_server_error() && request.path().strip_prefix(BASE) == Some("/exchange/status");
    if keeps_body {
        let mut reply = run(request, next).await?;
        *reply.response_mut().status_mut() = status;
        return Ok(reply);
    }
    if !executed {
        return Ok(request.into_response(refused(status)));
    }
    let reply = run(request, next).await?;
    Ok(reply.into_response(refused(status)))
}

/// Lets the venue act twice on one request; the client sees the second answer.
async fn twice<B: MessageBody + 'static>(mut request: ServiceRequest, next: &Next<B>) -> Reply {
    let body = request.extract::<Bytes>().await?;
    request.set_payload(payload(&body));
    let (again, first) = next.call(request).await?.into_parts();
    drop(first);
    let mut again = ServiceRequest::from_parts(again, payload(&body));
    // Routing begins anew.
    again.match_info_mut().reset();
    run(again, next).await
}

fn payload(body: &Bytes) -> Payload {
    let (_, mut payload) = actix_http::h1::Payload::create(true);
    payload.unread_data(body.clone());
    Payload::from(payload)
}

async fn skewed<B: MessageBody + 'static>(request: ServiceRequest, next: &Next<B>, ms: i64) -> Reply {
    request.extensions_mut().insert(Skew(ms));
    let mut reply = run(request, next).await?;
    let shown = jiff::Timestamp::now().checked_add(jiff::SignedDuration::from_millis(ms)).ok();
    let printer = jiff::fmt::rfc2822::DateTimePrinter::new();
    let text = shown.and_then(|shown| printer.timestamp_to_rfc9110_string(&shown).ok());
    if let Some(date) = text.and_then(|text| HeaderValue::from_str(&text).ok()) {
        reply.headers_mut().insert(header::DATE, date);
    }
    Ok(reply)
}

fn trickle(faults: &Faults, request: &ServiceRequest, ms: i64) {
    if let Some(link) = faults.link_of(request.request()) {
        link.set(Mode::Trickle(span(ms)));
    }
}

/// Replaces the body of a reply.
fn rewrite(reply: ServiceResponse<BoxBody>, change: impl FnOnce(&Bytes) -> Bytes) -> Reply {
    Ok(reply.map_body(|_, body| match body.try_into_bytes() {
        Ok(bytes) => BoxBody::new(change(&bytes)),
        Err(body) => body,
    }))
}

fn refused(status: StatusCode) -> HttpResponse {
    HttpResponse::build(status).json(reply::refusal(status))
}

/// Names a read: who asks for what.
fn key(request: &ServiceRequest) -> String {
    let who = request.headers().get(KEY_HEADER).and_then(|id| id.to_str().ok()).unwrap_or_default();
    format!("{who} {} {}", request.method(), request.uri())
}

fn span(ms: i64) -> Duration {
    Duration::from_millis(u64::try_from(ms).unwrap_or(0))
}

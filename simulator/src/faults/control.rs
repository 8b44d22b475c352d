//! The routes of `--control`: faults, market lives, pauses, and the end of all sockets. For clients of this machine only.

use std::sync::Arc;

use actix_web::web::{self, Bytes, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::heart::Pulse;
use crate::scenario::{MarketVerb, ResultWord, Span, Terms};
use crate::time::Pace;
use crate::venue::grid::Grid;
use crate::venue::refusal::Refusal;
use crate::venue::steer::Steer;

use super::spec::FaultSpec;
use super::{Cut, Faults};

/// Where the control routes live.
pub(super) const BASE: &str = "/control/";

/// What the control routes act on.
#[derive(Clone, Debug)]
pub(crate) struct Control {
    pub(crate) pulse: Arc<Pulse>,
    pub(crate) faults: Faults,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Paused {
    paused: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Step {
    step_ms: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MarketAction {
    action: MarketVerb,
    result: Option<ResultWord>,
    value: Option<String>,
    grid: Option<Grid>,
    close_in: Option<Span>,
    yes_sub_title: Option<String>,
}

impl MarketAction {
    fn steer(self, now_us: i64) -> Result<Steer, String> {
        let MarketAction { action, result, value, grid, close_in, yes_sub_title } = self;
        Terms { result, value, grid, close_in, yes_sub_title }.steer(action, now_us)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Disconnect {
    how: String,
    /// Upgrades are refused this long.
    refuse_ms: i64,
}

impl Default for Disconnect {
    fn default() -> Disconnect {
        Disconnect { how: "drop".to_owned(), refuse_ms: 0 }
    }
}

/// Why a control call is refused.
struct Refused(u16, String);

type Reply = Result<Value, Refused>;

pub(crate) fn configure(config: &mut ServiceConfig, control: Control) {
    config.service(
        web::scope("/control")
            .app_data(web::Data::new(control))
            .service(
                web::resource("/faults")
                    .route(web::get().to(list))
                    .route(web::post().to(add))
                    .route(web::delete().to(clear)),
            )
            .service(web::resource("/faults/{id}").route(web::delete().to(remove)))
            .service(web::resource("/markets/{ticker}").route(web::post().to(market)))
            .service(web::resource("/trading").route(web::post().to(trading)))
            .service(web::resource("/exchange").route(web::post().to(exchange)))
            .service(web::resource("/time").route(web::post().to(step)))
            .service(web::resource("/disconnect").route(web::post().to(disconnect))),
    );
}

async fn list(request: HttpRequest, control: web::Data<Control>) -> HttpResponse {
    answer(&request, &control, || Ok(json!({ "faults": control.faults.shown() })))
}

async fn add(request: HttpRequest, control: web::Data<Control>, body: Bytes) -> HttpResponse {
    answer(&request, &control, || {
        let spec: FaultSpec = read(&body)?;
        let id = control.faults.add(spec).map_err(|reason| Refused(400, reason))?;
        Ok(json!({ "id": id }))
    })
}

async fn clear(request: HttpRequest, control: web::Data<Control>) -> HttpResponse {
    answer(&request, &control, || Ok(json!({ "removed": control.faults.remove(None) })))
}

async fn remove(request: HttpRequest, control: web::Data<Control>, id: web::Path<String>) -> HttpResponse {
    answer(&request, &control, || {
        let removed = id.parse().map_or(0, |id| control.faults.remove(Some(id)));
        if removed == 0 {
            return Err(Refused(404, format!("there is no fault {id}")));
        }
        Ok(json!({ "removed": removed }))
    })
}

async fn market(
    request: HttpRequest,
    control: web::Data<Control>,
    ticker: web::Path<String>,
    body: Bytes,
) -> HttpResponse {
    answer(&request, &control, || {
        let exchange = control.pulse.exchange();
        let now_us = exchange.now_us();
        let action = read::<MarketAction>(&body)?;
        let steer = action.steer(now_us).map_err(|reason| Refused(400, reason))?;
        let status = exchange.with(|venue| {
            venue.steer(&ticker, steer, now_us)?;
            Ok(venue.market(&ticker).map(|market| market.status.name()))
        });
        let told = |refusal: Refusal| {
            let reason = refusal.details.unwrap_or(refusal.message);
            Refused(refusal.status, format!("{ticker}: {reason}"))
        };
        let status = status.map_err(told)?;
        Ok(json!({ "ticker": *ticker, "status": status }))
    })
}

async fn trading(request: HttpRequest, control: web::Data<Control>, body: Bytes) -> HttpResponse {
    answer(&request, &control, || {
        let Paused { paused } = read(&body)?;
        let exchange = control.pulse.exchange();
        exchange.with(|venue| venue.set_trading_paused(paused, exchange.now_us()));
        Ok(json!({ "trading_paused": paused }))
    })
}

async fn exchange(request: HttpRequest, control: web::Data<Control>, body: Bytes) -> HttpResponse {
    answer(&request, &control, || {
        let Paused { paused } = read(&body)?;
        let exchange = control.pulse.exchange();
        exchange.with(|venue| venue.set_exchange_paused(paused, exchange.now_us()));
        Ok(json!({ "exchange_paused": paused }))
    })
}

async fn step(request: HttpRequest, control: web::Data<Control>, body: Bytes) -> HttpResponse {
    let asked = answer(&request, &control, || {
        if control.pulse.exchange().clock().pace() != Pace::Stepped {
            return Err(Refused(
                409,
                "time moves by itself here; it is stepped with --time stepped".to_owned(),
            ));
        }
        read::<Step>(&body).map(|step| json!(step.step_ms))
    });
    let Ok(Step { step_ms }) = serde_json::from_slice(&body) else { return asked };
    if !asked.status().is_success() {
        return asked;
    }
    let pulse = Arc::clone(&control.pulse);
    // Many ticks take a while.
    let _ = web::block(move || pulse.step(step_ms)).await;
    HttpResponse::Ok().json(json!({ "now_ms": control.pulse.exchange().now_us().div_euclid(1_000) }))
}

async fn disconnect(request: HttpRequest, control: web::Data<Control>, body: Bytes) -> HttpResponse {
    answer(&request, &control, || {
        let Disconnect { how, refuse_ms } =
            if body.is_empty() { Disconnect::default() } else { read(&body)? };
        let how = match how.as_str() {
            "close" => Cut::Close,
            "drop" => Cut::Drop,
            "reset" => Cut::Reset,
            other => {
                return Err(Refused(400, format!("how is \"{other}\"; it can be close, drop or reset")));
            }
        };
        if refuse_ms < 0 {
            return Err(Refused(400, "refuse_ms must be at least 0".to_owned()));
        }
        Ok(json!({ "disconnected": control.faults.cut(how, refuse_ms) }))
    })
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refused> {
    serde_json::from_slice(body).map_err(|error| Refused(400, error.to_string()))
}

/// Acts for a client of this machine, and for no other.
fn answer(request: &HttpRequest, control: &Control, act: impl FnOnce() -> Reply) -> HttpResponse {
    let link = control.faults.link_of(request);
    let client = link.map(|link| link.client).or_else(|| request.peer_addr());
    let outcome = match client {
        Some(client) if client.ip().to_canonical().is_loopback() => act(),
        _ => Err(Refused(403, "control is for clients of this machine only".to_owned())),
    };
    match outcome {
        Ok(body) => HttpResponse::Ok().json(body),
        Err(Refused(status, message)) => {
            let status = actix_web::http::StatusCode::from_u16(status).unwrap_or_default();
            HttpResponse::build(status).json(json!({ "error": { "code": "control", "message": message } }))
        }
    }
}

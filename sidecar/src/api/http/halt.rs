//! The halt. Whoever may trade may stop trading; opening it again needs scope admin.

use actix_web::{HttpMessage as _, HttpRequest, HttpResponse, web};
use serde::Deserialize as _;
use serde_json::{Value, json};

use outrigger_engine::desk::command::{DeskAnswer, DeskCommand};
use outrigger_engine::journal::HaltMode;

use super::body::{self, Reader};
use super::orders::{Asked, unexpected};
use crate::api::ports::{Principal, Scope};
use crate::api::problem::{self, Problem};
use crate::api::state::ApiState;

const REASON_CHARS_MAX: usize = 200;

/// `GET /v1/halt`
pub(super) async fn get(state: web::Data<ApiState>) -> HttpResponse {
    HttpResponse::Ok().json(&*state.parts.read_model.halt.read())
}

/// `PUT /v1/halt`
pub(super) async fn put(
    state: web::Data<ApiState>,
    req: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    let mut reader = Reader::new(body::object(&req, payload).await?, &["mode", "reason"], "");
    let mode = reader.required("mode", "halted", |text| {
        HaltMode::deserialize(Value::from(text)).map_err(|_| "none of active, reduce_only, halted".to_owned())
    });
    let reason = reader.text("reason", "end of day", |text| {
        let fits = text.chars().count() <= REASON_CHARS_MAX;
        fits.then(|| text.to_owned()).ok_or_else(|| format!("longer than {REASON_CHARS_MAX} characters"))
    });
    let (false, Some(mode)) = (reader.has_mistakes(), mode) else {
        return Err(reader.problem(problem::BODY_FIELDS));
    };
    let scope = req.extensions().get::<Principal>().map(|principal| principal.scope);
    if mode == HaltMode::Active && scope < Some(Scope::Admin) {
        return Err(Problem::new(problem::AUTH_SCOPE, "opening trading again needs scope admin").at("/mode"));
    }
    let asked = Asked::of(&req);
    let reason = reason.unwrap_or_else(|| format!("set by {}", asked.client));
    let target = serde_json::to_value(mode).ok().and_then(|mode| mode.as_str().map(str::to_owned));
    let command = DeskCommand::SetHalt { mode, reason: reason.clone() };
    let answer = asked.desk(&state, "halt.set", &target.unwrap_or_default(), command).await?;
    let DeskAnswer::Halt { mode } = answer else { return Err(unexpected()) };
    Ok(HttpResponse::Ok().json(json!({ "mode": mode, "reason": reason })))
}

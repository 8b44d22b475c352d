//! The communications routes: RFQs, quotes, RFQ batches, block trades.
//!
//! Writes of RFQs and quotes are charged to shard 1's bucket; those that name a quote without its RFQ must be found
//! and are charged to every shard's.

mod batch_quotes;
mod batches;
mod blocks;
mod quotes;
mod rfqs;
mod shape;

use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use serde_json::json;

use crate::venue::communications::model::Party;
use crate::venue::event::Leg;
use crate::venue::units::Price;

use super::body::Body;
use super::error::ApiError;
use super::gate::Charge;
use super::query::Query;
use super::{HttpState, Reply, costs, resource};

const SIDES: &[(&str, Leg)] = &[("yes", Leg::Yes), ("no", Leg::No)];
/// The shard whose bucket pays for RFQs and quotes.
const SHARD: i64 = 1;

pub(super) fn routes(config: &mut ServiceConfig) {
    config.service(resource("/communications/id").route(web::get().to(id)));
    rfqs::routes(config);
    quotes::routes(config);
    batches::routes(config);
    batch_quotes::routes(config);
    blocks::routes(config);
}

async fn id(request: HttpRequest, state: web::Data<HttpState>) -> Reply {
    let member = state.admit(&request, Charge::Read(costs::DEFAULT))?;
    let id = state.0.exchange.with(|venue| venue.communications_id(member))?;
    Ok(super::json(&json!({ "communications_id": id })))
}

/// A write that names its RFQ or batch, or makes one.
fn scoped(cost: u32) -> Charge {
    Charge::Write { cost, shard: Some(SHARD) }
}

/// A write that names a quote alone.
fn unscoped(cost: u32) -> Charge {
    Charge::Write { cost, shard: None }
}

/// Returns an id that must have the form of a UUID.
fn uuid<'a>(name: &str, text: &'a str) -> Result<&'a str, ApiError> {
    match uuid::Uuid::parse_str(text) {
        Ok(_) => Ok(text),
        Err(_) => Err(ApiError::bad_request(&format!("{name} must be a UUID"))),
    }
}

/// Tells whether a filter by oneself is set.
fn is_self(query: &Query, name: &str) -> Result<bool, ApiError> {
    match query.text(name) {
        None => Ok(false),
        Some("self") => Ok(true),
        Some(_) => Err(ApiError::parameter(name)),
    }
}

/// Returns a status filter out of a list of words.
fn status<T: Copy>(query: &Query, known: &[(&str, T)]) -> Result<Option<T>, ApiError> {
    let Some(name) = query.text("status") else { return Ok(None) };
    let found = known.iter().find(|(known, _)| *known == name);
    let (_, status) = found.ok_or_else(|| ApiError::bad("invalid_status_filter", "invalid status filter"))?;
    Ok(Some(*status))
}

fn subaccount(body: &Body, name: &str) -> Result<Option<i64>, ApiError> {
    body.subaccount(name)
}

/// Subtraders belong to members of another kind, of which there are none here.
fn no_subtrader(body: &Body, name: &str) -> Result<(), ApiError> {
    match body.optional_text(name)? {
        None => Ok(()),
        Some(_) => Err(ApiError::bad_request(&format!("{name} is for FCM members only"))),
    }
}

/// Returns a flag that must be there.
fn required_flag(body: &Body, name: &str) -> Result<bool, ApiError> {
    if body.has(name) { body.flag(name) } else { Err(ApiError::unreadable(format!("{name} is required"))) }
}

/// Returns a bid: dollars, zero where a side is declined.
fn bid(body: &Body, name: &str) -> Result<Price, ApiError> {
    body.price(name)
}

/// Returns the subaccount that a request stays in: a locked key's, which completes its query.
fn inside(request: &HttpRequest) -> Result<Option<i64>, ApiError> {
    Query::of(request)?.subaccount()
}

/// Hides what another subaccount has from a request that stays in one.
fn keep(inside: Option<i64>, party: &Party) -> Result<(), ApiError> {
    match inside {
        Some(number) if number != party.number() => Err(ApiError::not_found("not of this subaccount")),
        _ => Ok(()),
    }
}

fn no_content() -> HttpResponse {
    HttpResponse::NoContent().finish()
}

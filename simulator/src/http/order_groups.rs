//! Order groups: create, read, reset, trigger, limit, delete.

use actix_web::web::{self, Bytes, Path, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use serde_json::{Value, json};

use crate::venue::account::AccountId;
use crate::venue::groups::OrderGroup;
use crate::venue::units::Count;

use super::body::Body;
use super::error::ApiError;
use super::gate::Charge;
use super::query::Query;
use super::routing::Route;
use super::{HttpState, Reply, costs, json, resource, wire};

pub(super) fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/portfolio/order_groups").route(web::get().to(list)))
        .service(resource("/portfolio/order_groups/create").route(web::post().to(create)))
        .service(
            resource("/portfolio/order_groups/{id}")
                .route(web::get().to(one))
                .route(web::delete().to(delete)),
        )
        .service(resource("/portfolio/order_groups/{id}/reset").route(web::put().to(reset)))
        .service(resource("/portfolio/order_groups/{id}/trigger").route(web::put().to(trigger)))
        .service(resource("/portfolio/order_groups/{id}/limit").route(web::put().to(limit)));
}

async fn create(request: HttpRequest, state: web::Data<HttpState>, body: Bytes) -> Reply {
    let account = state.verify(&request)?;
    let body = Body::parse(&body);
    let shard = body.as_ref().ok().and_then(|body| body.number("exchange_index").ok().flatten());
    state.charge(account, Charge::Write { cost: costs::DEFAULT, shard: Some(shard.unwrap_or(0)) })?;
    let body = body?;
    let limit = contracts_limit(&body)?;
    let subaccount = body.subaccount("subaccount")?.unwrap_or(0);
    let exchange_index = shard_of(body.number("exchange_index")?)?;
    let id = state.give(|venue, now_us| {
        Ok(venue.create_group(account, subaccount, exchange_index, limit, now_us)?)
    })?;
    Ok(HttpResponse::Created().json(json!({
        "order_group_id": id,
        "subaccount": subaccount,
        "exchange_index": exchange_index,
    })))
}

/// Lists the groups that reads show already; an empty list is left out, as it was recorded.
async fn list(request: HttpRequest, state: web::Data<HttpState>) -> Reply {
    let account = state.admit(&request, Charge::Read(costs::DEFAULT))?;
    let subaccount = Query::of(&request)?.subaccount()?;
    let as_of_us = state.0.exchange.reads_as_of_us();
    let groups: Vec<Value> = state.0.exchange.with(|venue| {
        let wanted = venue.groups_of(account).filter(|group| {
            subaccount.is_none_or(|wanted| wanted == group.subaccount) && group.created_us <= as_of_us
        });
        wanted.map(|group| wire::merged([json!({ "id": group.id }), group_json(group)])).collect()
    });
    Ok(json(&if groups.is_empty() { json!({}) } else { json!({ "order_groups": groups }) }))
}

async fn one(request: HttpRequest, state: web::Data<HttpState>, id: Path<String>) -> Reply {
    let account = state.admit(&request, Charge::Read(costs::DEFAULT))?;
    let subaccount = Query::of(&request)?.subaccount()?;
    let as_of_us = state.0.exchange.reads_as_of_us();
    let group = state.0.exchange.with(|venue| {
        let group = venue.group_of(account, &id).ok()?;
        let is_shown = subaccount.is_none_or(|wanted| wanted == group.subaccount);
        let orders: Vec<&str> = group.resting().map(|order| &**order).collect();
        (is_shown && group.created_us <= as_of_us)
            .then(|| wire::merged([group_json(group), json!({ "orders": orders })]))
    });
    Ok(json(&group.ok_or_else(|| ApiError::not_found("order group not found"))?))
}

fn group_json(group: &OrderGroup) -> Value {
    json!({
        "contracts_limit_fp": wire::count(group.limit),
        "is_auto_cancel_enabled": group.is_triggered,
        "exchange_index": group.exchange_index,
    })
}

async fn reset(request: HttpRequest, state: web::Data<HttpState>, id: Path<String>, body: Bytes) -> Reply {
    let account = state.admit_to_group(&request, &id)?;
    object_or_nothing(&body)?;
    state.give(|venue, now_us| Ok(venue.reset_group(account, &id, now_us)?))?;
    Ok(json(&json!({})))
}

/// Checks a body that says nothing: it may be absent.
fn object_or_nothing(body: &[u8]) -> Result<(), ApiError> {
    if body.is_empty() { Ok(()) } else { Body::parse(body).map(drop) }
}

async fn trigger(request: HttpRequest, state: web::Data<HttpState>, id: Path<String>, body: Bytes) -> Reply {
    let account = state.admit_to_group(&request, &id)?;
    object_or_nothing(&body)?;
    state.give(|venue, now_us| Ok(venue.trigger_group(account, &id, now_us)?))?;
    Ok(json(&json!({})))
}

async fn limit(request: HttpRequest, state: web::Data<HttpState>, id: Path<String>, body: Bytes) -> Reply {
    let account = state.admit_to_group(&request, &id)?;
    let limit = contracts_limit(&Body::parse(&body)?)?;
    state.give(|venue, now_us| Ok(venue.limit_group(account, &id, limit, now_us)?))?;
    Ok(json(&json!({})))
}

async fn delete(request: HttpRequest, state: web::Data<HttpState>, id: Path<String>) -> Reply {
    let account = state.admit_to_group(&request, &id)?;
    state.give(|venue, now_us| Ok(venue.delete_group(account, &id, now_us)?))?;
    Ok(json(&json!({})))
}

impl HttpState {
    /// Lets a write to a group in; the group must be of the subaccount and the shard that the request names, 0 and 0 if
    /// it names none.
    fn admit_to_group(&self, request: &HttpRequest, id: &str) -> Result<AccountId, ApiError> {
        let account = self.verify(request)?;
        let query = Query::of(request)?;
        let shard = query.number("exchange_index")?;
        self.charge(account, Charge::Write { cost: costs::DEFAULT, shard: Some(shard.unwrap_or(0)) })?;
        let (shard, subaccount) = (shard_of(shard)?, query.subaccount()?.unwrap_or(0));
        let is_there = self.0.exchange.with(|venue| {
            venue
                .group_of(account, id)
                .is_ok_and(|group| group.subaccount == subaccount && group.exchange_index == shard)
        });
        if is_there { Ok(account) } else { Err(ApiError::not_found("order group not found")) }
    }
}

fn shard_of(exchange_index: Option<i64>) -> Result<i64, ApiError> {
    match Route::of(exchange_index)? {
        Route::Shard(shard) => Ok(shard),
        Route::Omitted => Ok(0),
        Route::Required => Err(ApiError::bad_request("a group has no market to route by; name its shard")),
    }
}

/// Reads the limit, given as whole contracts, as a decimal string, or as both when they agree.
fn contracts_limit(body: &Body) -> Result<Count, ApiError> {
    let whole = body.number("contracts_limit")?.map(|whole| whole.saturating_mul(100));
    match (whole, body.optional_count("contracts_limit_fp")?) {
        (Some(whole), Some(exact)) if whole != exact => {
            Err(ApiError::bad_request("contracts_limit and contracts_limit_fp differ"))
        }
        (Some(limit), _) | (None, Some(limit)) => Ok(limit),
        (None, None) => Err(ApiError::bad_request("contracts_limit or contracts_limit_fp is required")),
    }
}

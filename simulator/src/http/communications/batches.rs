//! RFQ batches: create, read, delete, accept.

use actix_web::web::{self, Bytes, Path, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use serde_json::{Value, json};

use crate::http::body::Body;
use crate::http::collections::leg_of;
use crate::http::error::ApiError;
use crate::http::gate::Charge;
use crate::http::page::{Page, Place};
use crate::http::query::Query;
use crate::http::{HttpState, Reply, costs, json as reply, resource};
use crate::venue::communications::batch::Batch;
use crate::venue::communications::state::BatchStatus;
use crate::venue::communications::{BatchAccept, ChildMarket, NewBatch, NewChild};

use super::rfqs::size;
use super::{SIDES, bid, inside, is_self, keep, no_content, scoped, shape, status, subaccount, uuid};

const STATUSES: &[(&str, BatchStatus)] =
    &[("open", BatchStatus::Open), ("accepted", BatchStatus::Accepted), ("closed", BatchStatus::Closed)];
/// Children that a page holds at most.
const CHILDREN_PER_PAGE: usize = 100;
const CLIENT_BATCH_ID_MAX: usize = 64;
const LEGS_MAX: usize = 6;

pub(super) fn routes(config: &mut ServiceConfig) {
    config
        .service(
            resource("/communications/rfq_batches").route(web::get().to(list)).route(web::post().to(create)),
        )
        .service(
            resource("/communications/rfq_batches/{rfq_batch_id}")
                .route(web::get().to(one))
                .route(web::delete().to(delete)),
        )
        .service(
            resource("/communications/rfq_batches/{rfq_batch_id}/best_quotes").route(web::get().to(best)),
        )
        .service(resource("/communications/rfq_batches/{rfq_batch_id}/accept").route(web::put().to(accept)));
}

async fn create(request: HttpRequest, state: web::Data<HttpState>, body: Bytes) -> Reply {
    let member = state.admit(&request, scoped(costs::DEFAULT))?;
    let new = new_batch(&Body::parse(&body)?)?;
    let batch = state.give(|venue, now_us| {
        let id = venue.create_batch(member, &new, now_us)?;
        Ok(venue.communications.batches.get(&id).map(|batch| shape::batch(venue, batch, member)))
    })?;
    Ok(HttpResponse::Created().json(json!({ "rfq_batch": batch })))
}

async fn delete(request: HttpRequest, state: web::Data<HttpState>, id: Path<String>) -> Reply {
    let member = state.admit(&request, scoped(costs::DEFAULT))?;
    let id = uuid("rfq_batch_id", &id)?;
    let inside = inside(&request)?;
    state.give(|venue, now_us| {
        venue.communications.batches.get(id).map_or(Ok(()), |batch| keep(inside, &batch.creator))?;
        Ok(venue.delete_batch(member, id, now_us)?)
    })?;
    Ok(no_content())
}

async fn one(request: HttpRequest, state: web::Data<HttpState>, id: Path<String>) -> Reply {
    let member = state.admit(&request, Charge::Read(costs::DEFAULT))?;
    let id = uuid("rfq_batch_id", &id)?;
    let batch = state
        .0
        .exchange
        .with(|venue| venue.communications.batches.get(id).map(|batch| shape::batch(venue, batch, member)));
    let batch = batch.ok_or_else(|| ApiError::not_found("RFQ batch not found"))?;
    Ok(reply(&json!({ "rfq_batch": batch })))
}

/// Lists batches, most recently updated first; a page ends before its children would be too many.
async fn list(request: HttpRequest, state: web::Data<HttpState>) -> Reply {
    let member = state.admit(&request, Charge::Read(costs::DEFAULT))?;
    let query = Query::of(&request)?;
    let page = Page::strict(&query, 20, 20)?;
    let status = status(&query, STATUSES)?;
    let own_only = is_self(&query, "user_filter")?;
    let subaccount = query.subaccount()?;
    let wanted = |batch: &Batch| {
        let is_own = batch.creator.member == member;
        status.is_none_or(|status| status == batch.status)
            && (!own_only || is_own)
            && subaccount.is_none_or(|number| is_own && number == batch.creator.number())
    };
    let (batches, cursor) = state.0.exchange.with(|venue| {
        let wanted = venue.communications.batches.values().filter(|batch| wanted(batch));
        let items = wanted.map(|batch| (Place::new(batch.updated_us, &*batch.id), batch)).collect();
        let (batches, cursor) = page.cut_weighed(items, |batch| batch.rfqs.len(), CHILDREN_PER_PAGE);
        let batches: Vec<Value> =
            batches.into_iter().map(|batch| shape::batch(venue, batch, member)).collect();
        (batches, cursor)
    });
    Ok(reply(&json!({ "rfq_batches": batches, "cursor": cursor })))
}

async fn best(request: HttpRequest, state: web::Data<HttpState>, id: Path<String>) -> Reply {
    let member = state.admit(&request, Charge::Read(costs::DEFAULT))?;
    let id = uuid("rfq_batch_id", &id)?;
    let inside = inside(&request)?;
    let best = state.0.exchange.with(|venue| {
        let batch = venue.communications.batches.get(id);
        let batch = batch.ok_or_else(|| ApiError::not_found("RFQ batch not found"))?;
        if batch.creator.member != member {
            return Err(ApiError::forbidden("only the creator of a batch reads its best quotes"));
        }
        keep(inside, &batch.creator)?;
        Ok(shape::best_quotes(venue, batch))
    })?;
    Ok(reply(&json!({ "best_quotes": best })))
}

async fn accept(request: HttpRequest, state: web::Data<HttpState>, id: Path<String>, body: Bytes) -> Reply {
    let member = state.admit(&request, scoped(costs::DEFAULT))?;
    let id = uuid("rfq_batch_id", &id)?;
    let body = Body::parse(&body)?;
    let mut min_bids = Vec::new();
    for limit in body.list("min_bids")? {
        let limit = limit?;
        min_bids.push((uuid("rfq_id", limit.text("rfq_id")?)?.to_owned(), bid(&limit, "bid_dollars")?));
    }
    let side = body.word("accepted_side", SIDES)?;
    let client_order_id = body.optional_text("client_order_id")?.map(str::to_owned);
    let inside = inside(&request)?;
    let accept = BatchAccept { side, min_bids, client_order_id };
    let (side, quotes) = state.give(|venue, now_us| {
        venue.communications.batches.get(id).map_or(Ok(()), |batch| keep(inside, &batch.creator))?;
        let won = venue.accept_batch(member, id, &accept, now_us)?;
        let quoted = won.iter().filter_map(|id| venue.quoted(id));
        let quotes: Vec<Value> = quoted.map(|(quote, rfq)| shape::quote(quote, rfq, member)).collect();
        // A retry answers with the side of the accept that succeeded.
        let batch = venue.communications.batches.get(id);
        Ok((batch.and_then(|batch| batch.accepted_side).unwrap_or(side), quotes))
    })?;
    Ok(reply(&json!({ "accepted_side": side.name(), "quotes": quotes })))
}

fn new_batch(body: &Body) -> Result<NewBatch, ApiError> {
    if body.optional_text("subtrader_id")?.is_some() {
        return Err(ApiError::refused(403, "rfq_batch_unavailable", "FCM members cannot create RFQ batches"));
    }
    if body.flag("rest_remainder")? {
        return Err(ApiError::bad_request("rest_remainder must be false"));
    }
    let client_batch_id = body.optional_text("client_batch_id")?;
    if client_batch_id.is_some_and(|id| id.chars().count() > CLIENT_BATCH_ID_MAX) {
        return Err(ApiError::unreadable(format!(
            "client_batch_id has at most {CLIENT_BATCH_ID_MAX} characters"
        )));
    }
    let excludes_fees = body.flag("target_cost_excludes_fees")?;
    let mut children = Vec::new();
    for child in body.list("children")? {
        let child = child?;
        // Whether the cost excludes fees is said once for all children.
        let own_excludes = excludes_fees && child.has("target_cost_dollars");
        children.push(NewChild { market: child_market(&child)?, size: size(&child, own_excludes)? });
    }
    let common_excludes = excludes_fees && body.has("target_cost_dollars");
    let common = size(body, common_excludes)?;
    let has_costs = common.into_iter().chain(children.iter().filter_map(|child| child.size));
    if excludes_fees && !has_costs.into_iter().any(|size| size.target_cost().is_some()) {
        return Err(ApiError::bad_request("target_cost_excludes_fees needs a target cost"));
    }
    Ok(NewBatch {
        children,
        collection_ticker: body.optional_text("mve_collection_ticker")?.map(str::to_owned),
        size: common,
        is_obscured: body.flag("obscure_creator_id")?,
        replace_existing: body.flag("replace_existing")?,
        client_batch_id: client_batch_id.map(str::to_owned),
        subaccount: subaccount(body, "subaccount")?,
    })
}

fn child_market(child: &Body) -> Result<ChildMarket, ApiError> {
    match (child.optional_text("market_ticker")?, child.has("selected_markets")) {
        (Some(ticker), false) => Ok(ChildMarket::Ticker(ticker.to_owned())),
        (None, true) => {
            let mut legs = Vec::new();
            for leg in child.list("selected_markets")? {
                legs.push(leg_of(&leg?)?);
            }
            if legs.is_empty() || legs.len() > LEGS_MAX {
                return Err(ApiError::unreadable(format!("selected_markets must have 1 to {LEGS_MAX} legs")));
            }
            Ok(ChildMarket::Legs(legs))
        }
        (Some(_), true) | (None, false) => {
            Err(ApiError::unreadable("exactly one of market_ticker and selected_markets is required"))
        }
    }
}

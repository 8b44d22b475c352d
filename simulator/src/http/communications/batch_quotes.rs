//! Batch quotes: create, read, withdraw, confirm.

use actix_web::web::{self, Bytes, Path, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use serde_json::{Value, json};

use crate::http::body::Body;
use crate::http::error::ApiError;
use crate::http::gate::Charge;
use crate::http::{HttpState, Reply, costs, json as reply, resource};
use crate::venue::Venue;
use crate::venue::account::AccountId;
use crate::venue::communications::NewBatchQuote;
use crate::venue::communications::batch::{Batch, BatchQuote};

use super::{bid, inside, keep, no_content, required_flag, scoped, shape, subaccount, uuid};

pub(super) fn routes(config: &mut ServiceConfig) {
    config
        .service(
            resource("/communications/rfq_batches/{rfq_batch_id}/quotes")
                .route(web::get().to(list))
                .route(web::post().to(create)),
        )
        .service(
            resource("/communications/rfq_batches/{rfq_batch_id}/quotes/{batch_quote_id}")
                .route(web::delete().to(delete)),
        )
        .service(
            resource("/communications/rfq_batches/{rfq_batch_id}/quotes/{batch_quote_id}/confirm")
                .route(web::put().to(confirm)),
        );
}

async fn create(request: HttpRequest, state: web::Data<HttpState>, id: Path<String>, body: Bytes) -> Reply {
    let member = state.admit(&request, scoped(costs::DEFAULT))?;
    let id = uuid("rfq_batch_id", &id)?;
    let body = Body::parse(&body)?;
    let mut bids = Vec::new();
    for entry in body.list("quotes")? {
        let entry = entry?;
        let rfq_id = uuid("rfq_id", entry.text("rfq_id")?)?.to_owned();
        bids.push((rfq_id, bid(&entry, "yes_bid")?, bid(&entry, "no_bid")?));
    }
    let new = NewBatchQuote {
        bids,
        rest_remainder: required_flag(&body, "rest_remainder")?,
        post_only: body.flag("post_only")?,
        subaccount: subaccount(&body, "subaccount")?,
    };
    let id = state.give(|venue, now_us| Ok(venue.create_batch_quote(member, id, &new, now_us)?))?;
    Ok(HttpResponse::Created().json(json!({ "id": id })))
}

async fn delete(request: HttpRequest, state: web::Data<HttpState>, ids: Path<(String, String)>) -> Reply {
    let member = state.admit(&request, scoped(costs::DEFAULT))?;
    let (batch_id, id) = (uuid("rfq_batch_id", &ids.0)?, uuid("batch_quote_id", &ids.1)?);
    let inside = inside(&request)?;
    state.give(|venue, now_us| {
        stays(venue, id, inside)?;
        Ok(venue.delete_batch_quote(member, batch_id, id, now_us)?)
    })?;
    Ok(no_content())
}

async fn confirm(request: HttpRequest, state: web::Data<HttpState>, ids: Path<(String, String)>) -> Reply {
    let member = state.admit(&request, scoped(costs::DEFAULT))?;
    let (batch_id, id) = (uuid("rfq_batch_id", &ids.0)?, uuid("batch_quote_id", &ids.1)?);
    let inside = inside(&request)?;
    state.give(|venue, now_us| {
        stays(venue, id, inside)?;
        Ok(venue.confirm_batch_quote(member, batch_id, id, now_us)?)
    })?;
    Ok(no_content())
}

async fn list(request: HttpRequest, state: web::Data<HttpState>, id: Path<String>) -> Reply {
    let member = state.admit(&request, Charge::Read(costs::DEFAULT))?;
    let id = uuid("rfq_batch_id", &id)?;
    let inside = inside(&request)?;
    let quotes = state.0.exchange.with(|venue| {
        let batch = venue.communications.batches.get(id);
        let batch = batch.ok_or_else(|| ApiError::not_found("RFQ batch not found"))?;
        let mut shown = shown(venue, batch, member);
        shown.retain(|quote| batch.creator.member == member || keep(inside, &quote.creator).is_ok());
        if batch.creator.member == member {
            keep(inside, &batch.creator)?;
        }
        Ok::<Vec<Value>, ApiError>(
            shown.into_iter().map(|quote| shape::batch_quote(venue, batch, quote, member)).collect(),
        )
    })?;
    Ok(reply(&json!({ "batch_quotes": quotes })))
}

fn stays(venue: &Venue, id: &str, inside: Option<i64>) -> Result<(), ApiError> {
    let quote = venue.communications.batch_quotes.get(id);
    quote.map_or(Ok(()), |quote| keep(inside, &quote.creator))
}

/// A maker sees the batch quote it sent last, the creator those that won children.
fn shown<'a>(venue: &'a Venue, batch: &Batch, member: AccountId) -> Vec<&'a BatchQuote> {
    let of_batch = venue.communications.batch_quotes.values().filter(|quote| quote.batch_id == batch.id);
    if batch.creator.member == member {
        let mut won: Vec<&BatchQuote> = of_batch.filter(|quote| quote.accepted_side.is_some()).collect();
        won.sort_by_key(|quote| quote.number);
        return won;
    }
    of_batch
        .filter(|quote| quote.creator.member == member)
        .max_by_key(|quote| quote.number)
        .into_iter()
        .collect()
}

//! RFQs: create, read, delete.

use actix_web::web::{self, Bytes, Path, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use serde_json::{Value, json};

use crate::http::body::Body;
use crate::http::error::ApiError;
use crate::http::gate::Charge;
use crate::http::page::{Page, Place};
use crate::http::query::Query;
use crate::http::{HttpState, Reply, costs, json as reply, resource};
use crate::venue::communications::NewRfq;
use crate::venue::communications::model::{Rfq, Size};
use crate::venue::communications::state::RfqStatus;
use crate::venue::units::{Count, Micros};

use super::{
    inside, is_self, keep, no_content, no_subtrader, required_flag, scoped, shape, status, subaccount, uuid,
};

const STATUSES: &[(&str, RfqStatus)] = &[("open", RfqStatus::Open), ("closed", RfqStatus::Closed)];

pub(super) fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/communications/rfqs").route(web::get().to(list)).route(web::post().to(create)))
        .service(
            resource("/communications/rfqs/{rfq_id}")
                .route(web::get().to(one))
                .route(web::delete().to(delete)),
        );
}

async fn create(request: HttpRequest, state: web::Data<HttpState>, body: Bytes) -> Reply {
    let member = state.admit(&request, scoped(costs::DEFAULT))?;
    let new = new_rfq(&Body::parse(&body)?)?;
    let id = state.give(|venue, now_us| Ok(venue.create_rfq(member, &new, now_us)?))?;
    Ok(HttpResponse::Created().json(json!({ "id": id })))
}

async fn delete(request: HttpRequest, state: web::Data<HttpState>, rfq_id: Path<String>) -> Reply {
    let member = state.admit(&request, scoped(costs::DEFAULT))?;
    let id = uuid("rfq_id", &rfq_id)?;
    let inside = inside(&request)?;
    state.give(|venue, now_us| {
        venue.communications.rfqs.get(id).map_or(Ok(()), |rfq| keep(inside, &rfq.creator))?;
        Ok(venue.delete_rfq(member, id, now_us)?)
    })?;
    Ok(no_content())
}

async fn one(request: HttpRequest, state: web::Data<HttpState>, rfq_id: Path<String>) -> Reply {
    let member = state.admit(&request, Charge::Read(costs::DEFAULT))?;
    let id = uuid("rfq_id", &rfq_id)?;
    let rfq =
        state.0.exchange.with(|venue| venue.communications.rfqs.get(id).map(|rfq| shape::rfq(rfq, member)));
    let rfq = rfq.ok_or_else(|| ApiError::not_found("RFQ not found"))?;
    Ok(reply(&json!({ "rfq": rfq })))
}

/// Lists RFQs of everyone; the children of batches are listed with their batch.
async fn list(request: HttpRequest, state: web::Data<HttpState>) -> Reply {
    let member = state.admit(&request, Charge::Read(costs::DEFAULT))?;
    let query = Query::of(&request)?;
    let page = Page::strict(&query, 100, 100)?;
    let status = status(&query, STATUSES)?;
    let (ticker, event) = (query.text("market_ticker"), query.text("event_ticker"));
    let own_only = is_self(&query, "user_filter")?;
    let creator = query.text("creator_user_id").map(|id| uuid("creator_user_id", id)).transpose()?;
    let subaccount = query.subaccount()?;
    let wanted = |rfq: &Rfq| {
        let is_own = rfq.creator.member == member;
        rfq.batch_id.is_none()
            && status.is_none_or(|status| status == rfq.status)
            && ticker.is_none_or(|ticker| *ticker == *rfq.ticker)
            && event.is_none_or(|event| *event == *rfq.event_ticker)
            && (!own_only || is_own)
            && creator.is_none_or(|creator| *creator == *rfq.creator.user_id)
            && subaccount.is_none_or(|number| is_own && number == rfq.creator.number())
    };
    let (rfqs, cursor) = state.0.exchange.with(|venue| {
        let wanted = venue.communications.rfqs.values().filter(|rfq| wanted(rfq));
        let (rfqs, cursor) = page.cut(wanted.map(|rfq| (place(rfq.number), rfq)).collect());
        let rfqs: Vec<Value> = rfqs.into_iter().map(|rfq| shape::rfq(rfq, member)).collect();
        (rfqs, cursor)
    });
    Ok(reply(&json!({ "rfqs": rfqs, "cursor": cursor })))
}

/// The place of something that was numbered when it came.
pub(super) fn place(number: u64) -> Place {
    Place::new(i64::try_from(number).unwrap_or(i64::MAX), "")
}

fn new_rfq(body: &Body) -> Result<NewRfq, ApiError> {
    no_subtrader(body, "subtrader_id")?;
    let size = size(body, body.flag("target_cost_excludes_fees")?)?;
    Ok(NewRfq {
        ticker: body.text("market_ticker")?.to_owned(),
        size: size.ok_or_else(|| ApiError::bad_request("contracts_fp or target_cost_dollars is required"))?,
        rest_remainder: required_flag(body, "rest_remainder")?,
        is_obscured: body.flag("obscure_creator_id")?,
        replace_existing: body.flag("replace_existing")?,
        subaccount: subaccount(body, "subaccount")?,
    })
}

/// Reads a size in any of its forms; forms that are both there must agree.
pub(super) fn size(body: &Body, excludes_fees: bool) -> Result<Option<Size>, ApiError> {
    let agreed = |names: &str, one: Option<i64>, other: Option<i64>| match (one, other) {
        (Some(one), Some(other)) if one != other => {
            Err(ApiError::bad_request(&format!("{names} do not match")))
        }
        (one, other) => Ok(one.or(other)),
    };
    let whole: Option<Count> = body.number("contracts")?.map(|whole| whole.saturating_mul(100));
    let contracts = agreed("contracts and contracts_fp", body.optional_count("contracts_fp")?, whole)?;
    let centi_cents: Option<Micros> =
        body.number("target_cost_centi_cents")?.map(|cost| cost.saturating_mul(100));
    let dollars = match body.optional_text("target_cost_dollars")? {
        None => None,
        Some(_) => Some(body.price("target_cost_dollars")?.saturating_mul(100)),
    };
    let cost = agreed("target_cost_centi_cents and target_cost_dollars", dollars, centi_cents)?;
    match (contracts, cost) {
        (Some(_), Some(_)) => Err(ApiError::bad_request("contracts and a target cost exclude each other")),
        (Some(_) | None, None) if excludes_fees => {
            Err(ApiError::bad_request("target_cost_excludes_fees needs a target cost"))
        }
        (Some(count), None) => Ok(Some(Size::Contracts(count))),
        (None, Some(cost)) => Ok(Some(Size::TargetCost { cost, excludes_fees })),
        (None, None) => Ok(None),
    }
}

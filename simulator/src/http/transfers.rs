//! Cash between shards, its automatic allocation, and the money that came in and went out.

use std::collections::BTreeMap;

use actix_web::HttpRequest;
use actix_web::web::{self, Bytes, Path, ServiceConfig};
use serde_json::{Value, json};

use crate::venue::transfers::{NewTransfer, Reservation, ShardTransfer};

use super::body::Body;
use super::error::ApiError;
use super::gate::Charge;
use super::page::{Page, Place};
use super::query::Query;
use super::{HttpState, Reply, costs, json, resource, wire};

/// Micros in a centicent, the unit of amounts here.
const CENTICENT: i64 = 100;
const RESERVATIONS: &[(&str, Reservation)] =
    &[("none", Reservation::None), ("max", Reservation::Max), ("sum", Reservation::Sum)];

pub(super) fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/portfolio/intra_exchange_instance_transfer").route(web::post().to(create)))
        .service(resource("/portfolio/intra_exchange_instance_transfers").route(web::get().to(list)))
        .service(resource("/portfolio/intra_exchange_instance_transfers/{id}").route(web::get().to(one)))
        .service(
            resource("/portfolio/target_balance_allocation")
                .route(web::get().to(target))
                .route(web::post().to(set_target)),
        )
        .service(resource("/portfolio/deposits").route(web::get().to(deposits)))
        .service(resource("/portfolio/withdrawals").route(web::get().to(withdrawals)))
        .service(
            resource("/portfolio/summary/total_resting_order_value").route(web::get().to(resting_value)),
        );
}

/// Reads a client's id of a transfer, which is a UUID.
pub(super) fn transfer_id_of_client(body: &Body) -> Result<Option<String>, ApiError> {
    match body.optional_text("client_transfer_id")? {
        Some(id) if uuid::Uuid::try_parse(id).is_err() => {
            Err(ApiError::unreadable("client_transfer_id must be a UUID"))
        }
        id => Ok(id.map(str::to_owned)),
    }
}

async fn create(request: HttpRequest, state: web::Data<HttpState>, body: Bytes) -> Reply {
    let account = state.admit(&request, Charge::Unscoped(costs::DEFAULT))?;
    let body = Body::parse(&body)?;
    for name in ["source", "destination"] {
        if body.word(name, &[("event_contract", true), ("margined", false)])? {
            continue;
        }
        return Err(ApiError::bad_request("members of the simulated exchange have no margined account"));
    }
    let number = |name: &str| Ok::<i64, ApiError>(body.number(name)?.unwrap_or(0));
    let new = NewTransfer {
        client_transfer_id: transfer_id_of_client(&body)?,
        source: (number("source_exchange_shard")?, number("source_subaccount")?),
        destination: (number("destination_exchange_shard")?, number("destination_subaccount")?),
        amount: body.required_number("amount")?.saturating_mul(CENTICENT),
    };
    let id = state.give(|venue, now_us| Ok(venue.transfer_between_shards(account, &new, now_us)?))?;
    Ok(json(&json!({ "transfer_id": id })))
}

async fn list(request: HttpRequest, state: web::Data<HttpState>) -> Reply {
    let account = state.admit(&request, Charge::Read(costs::DEFAULT))?;
    let page = Page::of(&Query::of(&request)?, 100, 500)?;
    let view = state.view(account)?;
    let items = (0_i64..).zip(&view.moves.between_shards);
    let (rows, cursor) = page.cut(items.map(|(number, row)| (Place::new(number, ""), row)).collect());
    let rows: Vec<Value> = rows.into_iter().map(transfer_json).collect();
    let mut reply = json!({ "transfers": rows });
    if let (false, Some(reply)) = (cursor.is_empty(), reply.as_object_mut()) {
        reply.insert("cursor".to_owned(), json!(cursor));
    }
    Ok(json(&reply))
}

async fn one(request: HttpRequest, state: web::Data<HttpState>, id: Path<String>) -> Reply {
    let account = state.admit(&request, Charge::Read(costs::DEFAULT))?;
    let view = state.view(account)?;
    let found = view.moves.between_shards.iter().find(|transfer| *transfer.transfer_id == **id);
    let transfer = found.ok_or_else(|| ApiError::not_found("transfer not found"))?;
    Ok(json(&json!({ "transfer": transfer_json(transfer) })))
}

fn transfer_json(transfer: &ShardTransfer) -> Value {
    wire::without_nulls(json!({
        "transfer_id": transfer.transfer_id,
        "client_transfer_id": transfer.client_transfer_id,
        "source": "event_contract",
        "destination": "event_contract",
        "source_exchange_shard": transfer.source_shard,
        "destination_exchange_shard": transfer.destination_shard,
        "amount": wire::average(transfer.amount),
        "status": if transfer.is_complete { "complete" } else { "pending" },
        "created_ts": transfer.created_us / 1_000_000,
    }))
}

async fn target(request: HttpRequest, state: web::Data<HttpState>) -> Reply {
    let account = state.admit(&request, Charge::Read(costs::DEFAULT))?;
    let view = state.view(account)?;
    let moves = &view.moves;
    let reservation = moves.reservation.unwrap_or(Reservation::Sum);
    let name = RESERVATIONS.iter().find(|(_, known)| *known == reservation).map(|(name, _)| *name);
    let allocations: Vec<Value> = moves
        .target
        .iter()
        .map(|(shard, percent)| json!({ "exchange_index": shard, "percent": percent }))
        .collect();
    Ok(json(&json!({ "allocations": allocations, "resting_margin_reservation": name })))
}

async fn set_target(request: HttpRequest, state: web::Data<HttpState>, body: Bytes) -> Reply {
    let account = state.admit(&request, Charge::Unscoped(costs::DEFAULT))?;
    let body = Body::parse(&body)?;
    let mut target = BTreeMap::new();
    for item in body.list("allocations")? {
        let item = item?;
        let (shard, percent) = (item.required_number("exchange_index")?, item.required_number("percent")?);
        if !(0..=100).contains(&percent) || target.insert(shard, percent).is_some() {
            return Err(ApiError::bad_request("each shard is named once, with 0 to 100 percent"));
        }
    }
    let reservation = match body.optional_text("resting_margin_reservation")? {
        None => Reservation::Sum,
        Some(_) => body.word("resting_margin_reservation", RESERVATIONS)?,
    };
    state.give(|venue, _| Ok(venue.set_target(account, target, reservation)?))?;
    Ok(json(&json!({})))
}

/// Lists the one deposit that a member of the simulated exchange starts with.
async fn deposits(request: HttpRequest, state: web::Data<HttpState>) -> Reply {
    let account = state.admit(&request, Charge::Read(costs::DEFAULT))?;
    let query = Query::of(&request)?;
    let page = Page::of(&query, 100, 500)?;
    let deposit = state.0.exchange.with(|venue| venue.first_deposit(account));
    let rows: Vec<(Place, Value)> = deposit
        .into_iter()
        .map(|deposit| {
            let created_ts = deposit.at_us / 1_000_000;
            let row = json!({
                "id": deposit.id,
                "status": "applied",
                "type": "wire",
                "amount_cents": deposit.amount / 10_000,
                "fee_cents": 0,
                "created_ts": created_ts,
                "finalized_ts": created_ts,
            });
            (Place::new(created_ts, ""), row)
        })
        .collect();
    let (rows, cursor) = page.cut(rows);
    Ok(json(&json!({ "deposits": rows, "cursor": cursor })))
}

/// Nobody can take money out of the simulated exchange.
async fn withdrawals(request: HttpRequest, state: web::Data<HttpState>) -> Reply {
    state.admit(&request, Charge::Read(costs::DEFAULT))?;
    Page::of(&Query::of(&request)?, 100, 500)?;
    Ok(json(&json!({ "withdrawals": [], "cursor": "" })))
}

/// Returns what the resting orders of all subaccounts are worth.
async fn resting_value(request: HttpRequest, state: web::Data<HttpState>) -> Reply {
    let account = state.admit(&request, Charge::Read(costs::DEFAULT))?;
    let by_shard = state.0.exchange.with(|venue| venue.resting_value_by_shard(account));
    let breakdown: Vec<Value> = by_shard
        .iter()
        .map(|(shard, value)| json!({ "exchange_index": shard, "balance": wire::average(*value) }))
        .collect();
    Ok(json(&json!({
        "total_resting_order_value": wire::cents(by_shard.values().sum()),
        "resting_order_value_breakdown": breakdown,
    })))
}

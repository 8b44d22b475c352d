//! Subaccounts: open, move cash between them, their balances and their netting.

use actix_web::web::{self, Bytes, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use serde_json::{Value, json};

use crate::venue::refusal::Refusal;
use crate::venue::transfers::SubaccountTransfer;

use super::body::Body;
use super::error::ApiError;
use super::gate::Charge;
use super::page::{Page, Place};
use super::query::Query;
use super::transfers::transfer_id_of_client;
use super::{HttpState, Reply, costs, json, resource, wire};

/// Micros in a cent.
const CENT: i64 = 10_000;

pub(super) fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/portfolio/subaccounts").route(web::post().to(create)))
        .service(resource("/portfolio/subaccounts/transfer").route(web::post().to(transfer)))
        .service(resource("/portfolio/subaccounts/balances").route(web::get().to(balances)))
        .service(resource("/portfolio/subaccounts/transfers").route(web::get().to(transfers)))
        .service(
            resource("/portfolio/subaccounts/netting")
                .route(web::get().to(netting))
                .route(web::put().to(set_netting)),
        );
}

/// Opens the next subaccount. Its money lies on every shard, so the shard that a request names changes nothing.
async fn create(request: HttpRequest, state: web::Data<HttpState>, body: Bytes) -> Reply {
    let account = state.admit(&request, Charge::Unscoped(costs::DEFAULT))?;
    if !body.is_empty() {
        Body::parse(&body)?.number("exchange_index")?;
    }
    let number = state.give(|venue, _| Ok(venue.open_subaccount(account)?))?;
    Ok(HttpResponse::Created().json(json!({ "subaccount_number": number })))
}

async fn transfer(request: HttpRequest, state: web::Data<HttpState>, body: Bytes) -> Reply {
    let account = state.admit(&request, Charge::Unscoped(costs::DEFAULT))?;
    let body = Body::parse(&body)?;
    let id = transfer_id_of_client(&body)?
        .ok_or_else(|| ApiError::unreadable("client_transfer_id is required"))?;
    let between = (body.required_number("from_subaccount")?, body.required_number("to_subaccount")?);
    let amount = body.required_number("amount_cents")?.saturating_mul(CENT);
    let shard = body.number("exchange_index")?.unwrap_or(0);
    state.give(|venue, now_us| {
        for number in [between.0, between.1] {
            // Where money would go nowhere the request is at fault: the operation knows no 404.
            venue.subaccount(account, number).map_err(|_| ApiError::bad_request("subaccount not found"))?;
        }
        Ok(venue.transfer_between_subaccounts(account, &id, between, shard, amount, now_us)?)
    })?;
    Ok(json(&json!({})))
}

async fn balances(request: HttpRequest, state: web::Data<HttpState>) -> Reply {
    let account = state.admit(&request, Charge::Read(costs::DEFAULT))?;
    let view = state.view(account)?;
    let rows: Vec<Value> = view
        .holdings
        .iter()
        .flat_map(|(number, holding)| {
            holding.cash.iter().map(move |(shard, cash)| {
                json!({
                    "subaccount_number": number,
                    "exchange_index": shard,
                    "balance": wire::average(*cash),
                    "updated_ts": holding.updated_us / 1_000_000,
                })
            })
        })
        .collect();
    Ok(json(&json!({ "subaccount_balances": rows })))
}

async fn transfers(request: HttpRequest, state: web::Data<HttpState>) -> Reply {
    let account = state.admit(&request, Charge::Read(costs::DEFAULT))?;
    let page = Page::of(&Query::of(&request)?, 100, 1_000)?;
    let view = state.view(account)?;
    let items = (0_i64..).zip(&view.moves.between_subaccounts);
    let (rows, cursor) = page.cut(items.map(|(number, row)| (Place::new(number, ""), row)).collect());
    let rows: Vec<Value> = rows.into_iter().map(transfer_json).collect();
    Ok(json(&json!({ "transfers": rows, "cursor": cursor })))
}

fn transfer_json(transfer: &SubaccountTransfer) -> Value {
    json!({
        "transfer_id": transfer.transfer_id,
        "from_subaccount": transfer.from,
        "to_subaccount": transfer.to,
        "amount_cents": transfer.amount / CENT,
        "exchange_index": transfer.exchange_index,
        "created_ts": transfer.created_us / 1_000_000,
    })
}

async fn netting(request: HttpRequest, state: web::Data<HttpState>) -> Reply {
    let account = state.admit(&request, Charge::Read(costs::DEFAULT))?;
    let view = state.view(account)?;
    let rows: Vec<Value> = view
        .holdings
        .iter()
        .flat_map(|(number, holding)| {
            holding.cash.keys().map(move |shard| {
                json!({ "subaccount_number": number, "enabled": holding.netting, "exchange_index": shard })
            })
        })
        .collect();
    Ok(json(&json!({ "netting_configs": rows })))
}

async fn set_netting(request: HttpRequest, state: web::Data<HttpState>, body: Bytes) -> Reply {
    let account = state.admit(&request, Charge::Unscoped(costs::DEFAULT))?;
    let body = Body::parse(&body)?;
    let number = body.required_number("subaccount_number")?;
    let enabled =
        body.optional_flag("enabled")?.ok_or_else(|| ApiError::unreadable("enabled is required"))?;
    state.give(|venue, _| {
        let id = venue.subaccount(account, number)?;
        let account = venue.accounts.get_mut(id).ok_or_else(Refusal::subaccount_not_found)?;
        account.netting = enabled;
        Ok(())
    })?;
    Ok(json(&json!({})))
}

//! Batches of orders and cancels: one charge for all, one outcome for each.

use actix_web::web::{self, Bytes};
use actix_web::{HttpRequest, HttpResponse};
use serde_json::{Value, json};

use super::body::Body;
use super::error::ApiError;
use super::gate::Charge;
use super::place::{NOTHING, new_order, of_subaccount, placed_json, searched};
use super::routing::Route;
use super::{HttpState, Reply, costs, json, wire};

/// The largest batch that is read; how many fit is up to the bucket.
const ITEMS_MAX: usize = 1_000;

type Items = Vec<Result<Body, ApiError>>;

/// Places each order of a batch as if it came alone, in order.
pub(super) async fn create(request: HttpRequest, state: web::Data<HttpState>, body: Bytes) -> Reply {
    let account = state.verify(&request)?;
    let items = items(&body)?;
    state.charge(account, Charge::Unscoped(cost(&items, costs::DEFAULT)))?;
    let mut outcomes = Vec::with_capacity(items.len());
    for item in items {
        let client_order_id = item
            .as_ref()
            .ok()
            .and_then(|body| body.optional_text("client_order_id").ok().flatten().map(str::to_owned));
        let outcome = item
            .and_then(|body| new_order(&body))
            .and_then(|(new, _)| state.give(|venue, now_us| Ok(venue.place(account, &new, now_us)?)));
        outcomes.push(match outcome {
            Ok(placed) => placed_json(&placed),
            Err(refusal) => refused(client_order_id.as_deref(), &refusal),
        });
    }
    Ok(HttpResponse::Created().json(json!({ "orders": outcomes })))
}

/// Cancels each order of a batch.
pub(super) async fn cancel(request: HttpRequest, state: web::Data<HttpState>, body: Bytes) -> Reply {
    let account = state.verify(&request)?;
    let items = items(&body)?;
    state.charge(account, Charge::Unscoped(cost(&items, costs::CANCEL)))?;
    let mut outcomes = Vec::with_capacity(items.len());
    for item in items {
        let item = item?;
        let order_id = item.text("order_id")?.to_owned();
        let outcome = cancel_one(&state, account, &item, &order_id);
        outcomes.push(outcome.unwrap_or_else(|refusal| {
            json!({
                "order_id": order_id,
                "reduced_by": wire::count(NOTHING),
                "ts_ms": null,
                "error": refusal.item(),
            })
        }));
    }
    Ok(json(&json!({ "orders": outcomes })))
}

fn cancel_one(state: &HttpState, account: usize, item: &Body, order_id: &str) -> Result<Value, ApiError> {
    let route = Route::of(item.number("exchange_index")?)?;
    let subaccount = item.subaccount("subaccount")?.unwrap_or(0);
    let ticker = item.optional_text("market_ticker")?;
    let canceled = state.give(|venue, now_us| {
        of_subaccount(venue, account, order_id, subaccount)?;
        let shard = searched(venue, account, order_id, route, ticker)?;
        Ok(venue.cancel(account, order_id, Some(shard), now_us)?)
    })?;
    Ok(json!({
        "order_id": canceled.order_id,
        "client_order_id": canceled.client_order_id,
        "reduced_by": wire::count(canceled.reduced_by),
        "ts_ms": canceled.ts_us / 1_000,
    }))
}

fn items(body: &[u8]) -> Result<Items, ApiError> {
    let items = Body::parse(body)?.list("orders")?;
    match items.len() {
        0 => Err(ApiError::unreadable("orders must not be empty")),
        count if count > ITEMS_MAX => {
            Err(ApiError::unreadable(format!("orders must be at most {ITEMS_MAX}")))
        }
        _ => Ok(items),
    }
}

fn cost(items: &Items, each: u32) -> u32 {
    u32::try_from(items.len()).unwrap_or(u32::MAX).saturating_mul(each)
}

/// Returns the outcome of an order that was not placed: the fields of a reply without values, and why.
fn refused(client_order_id: Option<&str>, refusal: &ApiError) -> Value {
    json!({
        "client_order_id": client_order_id,
        "fill_count": null,
        "remaining_count": null,
        "average_fill_price": null,
        "average_fee_paid": null,
        "ts_ms": null,
        "error": refusal.item(),
    })
}

//! Reads of the account, as the desk published them.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;
use serde_json::Value;

use outrigger_engine::desk::view::ShardCash;
use outrigger_engine::domain::Money;

use super::orders::{as_of, order_id};
use super::query::{Page, Query, page, rfc3339};
use crate::api::problem::Problem;
use crate::api::state::ApiState;

/// `GET /v1/positions`
pub(super) async fn positions(state: web::Data<ApiState>, req: HttpRequest) -> Result<HttpResponse, Problem> {
    let mut query = Query::read(&req, &["limit", "cursor", "ticker"]);
    let limit = query.limit();
    let after = query.text("cursor").filter(|cursor| !cursor.is_empty()).map(str::to_owned);
    let ticker = query.text("ticker").map(str::to_owned);
    query.finish()?;
    let (rows, cursor) = {
        let all = state.parts.read_model.positions.read();
        let later =
            all.values().filter(|row| after.as_deref().is_none_or(|after| row.ticker.as_str() > after));
        let kept = later.filter(|row| ticker.as_deref().is_none_or(|ticker| row.ticker.as_str() == ticker));
        page(kept.cloned(), limit, |row| row.ticker.clone())
    };
    let body = Page { name: "positions", rows: &rows, cursor: Some(cursor), as_of: Some(as_of(&state)) };
    Ok(HttpResponse::Ok().json(body))
}

/// `GET /v1/balance`. Before the first complete read every amount is null, never zero.
pub(super) async fn balance(state: web::Data<ApiState>, req: HttpRequest) -> Result<HttpResponse, Problem> {
    Query::read(&req, &[]).finish()?;
    let balance = state.parts.read_model.balance.read().clone();
    Ok(HttpResponse::Ok().json(Balance {
        cash: balance.as_ref().map(|balance| balance.cash),
        portfolio_value: balance.as_ref().map(|balance| balance.portfolio_value),
        as_of: balance.as_ref().and_then(|balance| rfc3339(balance.as_of_ms.0)),
        by_shard: balance.map(|balance| balance.by_shard).unwrap_or_default(),
    }))
}

#[derive(Serialize)]
struct Balance {
    cash: Option<Money>,
    portfolio_value: Option<Money>,
    by_shard: Vec<ShardCash>,
    as_of: Option<String>,
}

/// `GET /v1/fills`
pub(super) async fn fills(state: web::Data<ApiState>, req: HttpRequest) -> Result<HttpResponse, Problem> {
    let mut query = Query::read(&req, &["limit", "cursor", "ticker", "order_id"]);
    let limit = query.limit();
    let before = query.parsed("cursor", row_cursor);
    let of_order = query.parsed("order_id", |text| {
        order_id(text).ok_or_else(|| format!("{text:?} is no order id: an order_id is a UUID"))
    });
    let ticker = query.text("ticker").map(str::to_owned);
    query.finish()?;
    let (rows, cursor) = {
        let all = state.parts.read_model.fills.read();
        newest(&all, before.flatten(), limit, |fill| {
            ticker.as_deref().is_none_or(|ticker| fill.ticker.as_str() == ticker)
                && of_order.is_none_or(|order_id| fill.order_id == order_id)
        })
    };
    let body = Page { name: "fills", rows: &rows, cursor: Some(cursor), as_of: Some(as_of(&state)) };
    Ok(HttpResponse::Ok().json(body))
}

/// `GET /v1/settlements`
pub(super) async fn settlements(
    state: web::Data<ApiState>,
    req: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let mut query = Query::read(&req, &["limit", "cursor", "ticker"]);
    let limit = query.limit();
    let before = query.parsed("cursor", row_cursor);
    let ticker = query.text("ticker").map(str::to_owned);
    query.finish()?;
    let (rows, cursor) = {
        let all = state.parts.read_model.settlements.read();
        newest(&all, before.flatten(), limit, |row| {
            ticker.as_deref().is_none_or(|ticker| row.ticker.as_str() == ticker)
        })
    };
    let body = Page { name: "settlements", rows: &rows, cursor: Some(cursor), as_of: Some(as_of(&state)) };
    Ok(HttpResponse::Ok().json(body))
}

/// `GET /v1/limits`
pub(super) async fn limits(state: web::Data<ApiState>, req: HttpRequest) -> Result<HttpResponse, Problem> {
    Query::read(&req, &[]).finish()?;
    let mut limits = state.parts.limits.limits();
    limits.entry("as_of").or_insert_with(|| rfc3339((state.parts.clock)().wall.millis()).into());
    Ok(HttpResponse::Ok().json(Value::Object(limits)))
}

/// Pages through rows that are only ever added, from the newest. A cursor is a row's number, so it stays right meanwhile.
fn newest<T: Clone + Serialize>(
    rows: &[T],
    before: Option<usize>,
    limit: usize,
    keep: impl Fn(&T) -> bool,
) -> (Vec<T>, String) {
    let numbered = rows.iter().enumerate().take(before.unwrap_or(rows.len())).rev();
    let (kept, cursor) = page(numbered.filter(|(_, row)| keep(row)), limit, |(number, _)| *number);
    (kept.into_iter().map(|(_, row)| row.clone()).collect(), cursor)
}

fn row_cursor(text: &str) -> Result<Option<usize>, String> {
    match text {
        "" => Ok(None),
        text => text.parse().map(Some).map_err(|_| "not a cursor of this list".to_owned()),
    }
}

//! Several orders in one request. Each is answered on its own; one that fails does not stop the others.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use futures_util::future::join_all;
use serde::{Deserialize, Serialize};

use outrigger_engine::desk::command::DeskCommand;
use outrigger_engine::desk::view::OrderView;
use outrigger_engine::domain::OrderId;

use super::body::{self, Fields};
use super::order_body;
use super::orders::{Asked, idempotency_key, order_id, status_of, submit};
use super::query::Page;
use crate::api::problem::{self, Document, Problem};
use crate::api::state::ApiState;

/// Orders one request may place.
const PLACE_MAX: usize = 20;
/// Orders one request may cancel.
const CANCEL_MAX: usize = 100;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewOrders {
    orders: Vec<Fields>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OrderIds {
    order_ids: Vec<String>,
}

/// `POST /v1/orders/batch`. Order number n has the key `KEY#n`, so a repeat finds each of them again.
pub(super) async fn place(
    state: web::Data<ApiState>,
    req: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    let asked = Asked::of(&req);
    let key = idempotency_key(&req)?;
    let NewOrders { orders } = typed(&req, payload).await?;
    bounded("orders", orders.len(), PLACE_MAX)?;
    let now = (state.parts.clock)().wall;
    let calls = orders.into_iter().enumerate().map(|(n, fields)| {
        let read = order_body::read(fields, &format!("/orders/{n}"), &state.parts.catalog, now);
        let (state, asked, key) = (&state, &asked, format!("{key}#{n}"));
        async move {
            let (draft, market) = read?;
            submit(state, asked, draft, market, &key).await
        }
    });
    // Polled in order the first time, so the desk gets them in the order written.
    Ok(results(join_all(calls).await, StatusCode::CREATED))
}

/// `DELETE /v1/orders/batch`
pub(super) async fn cancel(
    state: web::Data<ApiState>,
    req: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    let asked = Asked::of(&req);
    let OrderIds { order_ids } = typed(&req, payload).await?;
    bounded("order_ids", order_ids.len(), CANCEL_MAX)?;
    let calls = order_ids.into_iter().enumerate().map(|(n, text)| {
        let (state, asked) = (&state, &asked);
        async move {
            let unknown = || {
                let detail = format!("no order {text:?}: an order_id is a UUID");
                Problem::new(problem::ORDER_UNKNOWN, detail).at(&format!("/order_ids/{n}"))
            };
            let order_id: OrderId = order_id(&text).ok_or_else(unknown)?;
            asked.order(state, "order.cancel", &text, DeskCommand::Cancel { order_id }).await
        }
    });
    Ok(results(join_all(calls).await, StatusCode::OK))
}

async fn typed<T: for<'de> Deserialize<'de>>(req: &HttpRequest, payload: web::Payload) -> Result<T, Problem> {
    let bytes = body::bytes(req, payload).await?;
    serde_json::from_slice(&bytes).map_err(|error| Problem::new(problem::BODY_JSON, error.to_string()))
}

fn bounded(name: &str, len: usize, max: usize) -> Result<(), Problem> {
    if (1..=max).contains(&len) {
        return Ok(());
    }
    let detail = format!("{len} given; a batch has 1 to {max}");
    Err(Problem::new(problem::BODY_FIELDS, detail).at(&format!("/{name}")))
}

/// How one order of a batch ended.
#[derive(Serialize)]
#[serde(untagged)]
enum End<'a> {
    Done { status: u16, replayed: bool, order: &'a OrderView },
    Failed { status: u16, problem: Document<'a> },
}

impl End<'_> {
    fn of(ended: &Result<(OrderView, bool), Problem>, done: StatusCode) -> End<'_> {
        match ended {
            Ok((order, replayed)) => {
                End::Done { status: status_of(order, done).as_u16(), replayed: *replayed, order }
            }
            Err(problem) => End::Failed { status: problem.status().as_u16(), problem: problem.document() },
        }
    }
}

fn results(ended: Vec<Result<(OrderView, bool), Problem>>, done: StatusCode) -> HttpResponse {
    let rows: Vec<End<'_>> = ended.iter().map(|ended| End::of(ended, done)).collect();
    HttpResponse::Ok().json(Page { name: "results", rows: &rows, cursor: None, as_of: None })
}

//! Orders: place, read, change, cancel.

use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderName, LOCATION};
use actix_web::{HttpMessage as _, HttpRequest, HttpResponse, web};
use uuid::Uuid;

use outrigger_engine::desk::command::{DeskAnswer, DeskCommand};
use outrigger_engine::desk::view::{OrderStatus, OrderView};
use outrigger_engine::domain::{ClientOrderId, Count, IdempotencyKey, Market, OrderId, Price, Ticker};
use outrigger_engine::journal::NewOrder;
use outrigger_engine::stream::AuditEvent;

use super::body::{self, Reader};
use super::desk_errors;
use super::guard::RequestId;
use super::order_body::{self, Draft};
use super::query::{Page, Query, page, rfc3339};
use crate::api::ports::Principal;
use crate::api::problem::{self, Mistake, Problem};
use crate::api::state::ApiState;

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
const KEY_BYTES_MAX: usize = 200;

/// `GET /v1/orders`
pub(super) async fn list(state: web::Data<ApiState>, req: HttpRequest) -> Result<HttpResponse, Problem> {
    let known = ["limit", "cursor", "ticker", "status", "client_order_id"];
    let mut query = Query::read(&req, &known);
    let limit = query.limit();
    let statuses = query.parsed("status", statuses);
    let after = query.parsed("cursor", |text| match text {
        "" => Ok(None),
        text => order_id(text).map(Some).ok_or_else(|| "not a cursor of this list".to_owned()),
    });
    let (ticker, client_id) =
        (query.text("ticker").map(str::to_owned), query.text("client_order_id").map(str::to_owned));
    query.finish()?;
    let (orders, cursor) = {
        let all = state.parts.read_model.orders.read();
        let after = after.flatten();
        let older = all.values().rev().filter(|order| after.is_none_or(|after| order.order_id < after));
        let kept = older.filter(|order| {
            ticker.as_deref().is_none_or(|ticker| order.ticker.as_str() == ticker)
                && statuses.as_ref().is_none_or(|wanted| wanted.contains(&order.status))
                && client_id.as_deref().is_none_or(|id| {
                    order.client_order_id.as_ref().is_some_and(|theirs| theirs.as_str() == id)
                })
        });
        page(kept.cloned(), limit, |order| order.order_id)
    };
    let body = Page { name: "orders", rows: &orders, cursor: Some(cursor), as_of: Some(as_of(&state)) };
    Ok(HttpResponse::Ok().json(body))
}

/// `GET /v1/orders/{order_id}`
pub(super) async fn one(state: web::Data<ApiState>, req: HttpRequest) -> Result<HttpResponse, Problem> {
    let order_id = named(&req)?;
    let order = state.parts.read_model.orders.read().get(&order_id).cloned();
    let order = order.ok_or_else(|| Problem::new(problem::ORDER_UNKNOWN, format!("no order {order_id}")))?;
    Ok(HttpResponse::Ok().json(order))
}

/// `POST /v1/orders`
pub(super) async fn place(
    state: web::Data<ApiState>,
    req: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    let asked = Asked::of(&req);
    let key = idempotency_key(&req)?;
    let fields = body::object(&req, payload).await?;
    let now = (state.parts.clock)().wall;
    let (draft, market) = order_body::read(fields, "", &state.parts.catalog, now)?;
    let (order, replayed) = submit(&state, &asked, draft, market, &key).await?;
    let mut answer = HttpResponse::build(status_of(&order, StatusCode::CREATED));
    answer.insert_header((LOCATION, format!("/v1/orders/{}", order.order_id)));
    if replayed {
        answer.insert_header((REPLAYED, "true"));
    }
    Ok(answer.json(order))
}

/// `PATCH /v1/orders/{order_id}`
pub(super) async fn amend(
    state: web::Data<ApiState>,
    req: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    let order_id = named(&req)?;
    let mut reader = Reader::new(body::object(&req, payload).await?, &["price", "count"], "");
    let price = reader.text("price", "0.5600", order_body::decimal::<Price>);
    let count = reader.text("count", "10.00", order_body::decimal::<Count>);
    if count.is_some_and(Count::is_zero) {
        reader.mistake("count", "must be more than zero; DELETE cancels the order".to_owned());
    }
    if price.is_none() && count.is_none() && !reader.has_mistakes() {
        reader.mistake("", "name a new price, a new count, or both".to_owned());
    }
    if reader.has_mistakes() {
        return Err(reader.problem(problem::BODY_FIELDS));
    }
    let ticker = state.parts.read_model.orders.read().get(&order_id).map(|order| order.ticker.clone());
    let unknown = || Problem::new(problem::ORDER_UNKNOWN, format!("no order {order_id}"));
    let market = market(&state, &ticker.ok_or_else(unknown)?)?;
    if let Some(price) = price.filter(|price| !market.grid.allows(*price)) {
        let detail = format!("{price} is not on the grid of {}: {}", market.ticker, market.grid);
        return Err(Problem::new(problem::OFF_GRID, detail).at("/price"));
    }
    let command = DeskCommand::Amend { order_id, price, count, market };
    let (order, _) = Asked::of(&req).order(&state, "order.amend", &order_id.to_string(), command).await?;
    Ok(HttpResponse::build(status_of(&order, StatusCode::OK)).json(order))
}

/// `DELETE /v1/orders/{order_id}`
pub(super) async fn cancel(state: web::Data<ApiState>, req: HttpRequest) -> Result<HttpResponse, Problem> {
    let order_id = named(&req)?;
    let command = DeskCommand::Cancel { order_id };
    let (order, _) = Asked::of(&req).order(&state, "order.cancel", &order_id.to_string(), command).await?;
    Ok(HttpResponse::build(status_of(&order, StatusCode::OK)).json(order))
}

/// `DELETE /v1/orders`
pub(super) async fn cancel_all(
    state: web::Data<ApiState>,
    req: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let answer = Asked::of(&req).desk(&state, "order.cancel_all", "all", DeskCommand::CancelAll).await?;
    let DeskAnswer::Canceled { orders } = answer else { return Err(unexpected()) };
    Ok(HttpResponse::Ok().json(Page { name: "orders", rows: &orders, cursor: None, as_of: None }))
}

/// Who asks, for the journal's cause and the audit.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    pub(super) client: String,
    pub(super) request_id: String,
}

impl Asked {
    pub(super) fn of(req: &HttpRequest) -> Asked {
        let extensions = req.extensions();
        let client = extensions.get::<Principal>().map(|principal| principal.name.clone());
        let request_id = extensions.get::<RequestId>().map(|id| id.0.clone());
        Asked { client: client.unwrap_or_default(), request_id: request_id.unwrap_or_default() }
    }

    /// Asks the desk, and publishes what was asked and how it ended, even if the client hangs up meanwhile.
    pub(super) async fn desk(
        &self,
        state: &web::Data<ApiState>,
        action: &'static str,
        target: &str,
        command: DeskCommand,
    ) -> Result<DeskAnswer, Problem> {
        let (state, asked, target) = (state.clone(), self.clone(), target.to_owned());
        let told = actix_web::rt::spawn(async move {
            let answer = match state.parts.desk.call(command, asked.request_id.clone()).await {
                Ok(DeskAnswer::Rejected(error)) => {
                    Err(desk_errors::desk(error, || state.parts.limits.retry_after_s()))
                }
                Ok(answer) => Ok(answer),
                Err(error) => Err(desk_errors::lane(error)),
            };
            let outcome = answer.as_ref().err().map_or("ok", |problem| problem.kind.code).to_owned();
            let Asked { client, request_id } = asked;
            state.audit(AuditEvent { client, action: action.to_owned(), target, outcome, request_id });
            answer
        });
        told.await.unwrap_or_else(|_| Err(unexpected()))
    }

    pub(super) async fn order(
        &self,
        state: &web::Data<ApiState>,
        action: &'static str,
        target: &str,
        command: DeskCommand,
    ) -> Result<(OrderView, bool), Problem> {
        match self.desk(state, action, target, command).await? {
            DeskAnswer::Order { order, replayed } => Ok((order, replayed)),
            DeskAnswer::Canceled { .. } | DeskAnswer::Halt { .. } | DeskAnswer::Rejected(_) => {
                Err(unexpected())
            }
        }
    }
}

/// Mints the order's id and hands it to the desk.
pub(super) async fn submit(
    state: &web::Data<ApiState>,
    asked: &Asked,
    draft: Draft,
    market: Market,
    key: &str,
) -> Result<(OrderView, bool), Problem> {
    let order_id = OrderId(Uuid::now_v7());
    let fingerprint = draft.fingerprint();
    let client_order_id =
        draft.client_order_id.clone().unwrap_or_else(|| ClientOrderId::new(order_id.to_string()));
    let order = NewOrder {
        order_id,
        client_order_id,
        // Two clients that happen to use the same key mean two orders.
        idempotency_key: IdempotencyKey::new(format!("{}/{key}", asked.client)),
        fingerprint,
        client: asked.client.clone(),
        ticker: draft.ticker,
        side: draft.side,
        price: draft.price,
        count: draft.count,
        time_in_force: draft.time_in_force,
        self_trade_prevention: draft.self_trade_prevention_type,
        post_only: draft.post_only,
        reduce_only: draft.reduce_only,
        cancel_order_on_pause: draft.cancel_order_on_pause,
        expiration_time: draft.expiration_time,
        exchange_index: market.exchange_index,
    };
    let command = DeskCommand::Place { order, market };
    asked.order(state, "order.place", &order_id.to_string(), command).await
}

/// Reads the header without which an order could be placed twice.
pub(super) fn idempotency_key(req: &HttpRequest) -> Result<String, Problem> {
    let pointer = "Idempotency-Key";
    let Some(value) = req.headers().get(IDEMPOTENCY_KEY) else {
        let detail =
            "send a header Idempotency-Key that is new for each order and the same for each retry of it";
        return Err(Problem::new(problem::KEY_MISSING, detail).at(pointer));
    };
    let text = value.to_str().unwrap_or("");
    if text.is_empty() || text.len() > KEY_BYTES_MAX || !text.bytes().all(|b| b.is_ascii_graphic()) {
        let detail = format!("must be 1 to {KEY_BYTES_MAX} printable ASCII characters without spaces");
        return Err(Problem::with_mistakes(
            problem::HEADER,
            vec![Mistake { pointer: pointer.to_owned(), detail }],
        ));
    }
    Ok(text.to_owned())
}

/// An order whose end is not known yet is accepted, not done.
pub(super) fn status_of(order: &OrderView, done: StatusCode) -> StatusCode {
    match order.status {
        OrderStatus::Unknown | OrderStatus::Pending => StatusCode::ACCEPTED,
        OrderStatus::Resting | OrderStatus::Executed | OrderStatus::Canceled | OrderStatus::Rejected => done,
    }
}

/// When the account was last read back from the venue completely.
pub(super) fn as_of(state: &ApiState) -> Option<String> {
    let at = *state.parts.read_model.reconciled_as_of_ms.read();
    at.and_then(rfc3339)
}

pub(super) fn market(state: &ApiState, ticker: &Ticker) -> Result<Market, Problem> {
    let market = state.parts.catalog.get(ticker.as_str());
    market.ok_or_else(|| unknown_market(state.parts.catalog.is_empty(), ticker))
}

pub(super) fn order_id(text: &str) -> Option<OrderId> {
    Uuid::try_parse(text).ok().map(OrderId)
}

fn named(req: &HttpRequest) -> Result<OrderId, Problem> {
    let text = req.match_info().get("order_id").unwrap_or_default();
    order_id(text).ok_or_else(|| {
        Problem::new(problem::ORDER_UNKNOWN, format!("no order {text:?}: an order_id is a UUID"))
    })
}

fn statuses(text: &str) -> Result<Vec<OrderStatus>, String> {
    use serde::Deserialize as _;
    let word = |word: &str| {
        OrderStatus::deserialize(serde_json::Value::from(word)).map_err(|_| {
            format!(
                "{word:?} is no status; there are pending, resting, executed, canceled, rejected, unknown"
            )
        })
    };
    text.split(',').map(word).collect()
}

/// The desk answered something else than was asked. Every arm that gets here is a defect.
pub(super) fn unexpected() -> Problem {
    tracing::error!("the desk answered a question that was not asked");
    Problem::new(problem::INTERNAL, "the desk's answer did not fit the question; it is in the log")
}

/// A market nobody knows; right after a start nobody knows any, which is no fault of the ticker.
pub(super) fn unknown_market(is_catalog_empty: bool, ticker: &Ticker) -> Problem {
    if is_catalog_empty {
        return Problem::new(problem::NOT_READY, "the exchange's markets are not loaded yet");
    }
    Problem::new(problem::MARKET_UNKNOWN, format!("no market {ticker}"))
}

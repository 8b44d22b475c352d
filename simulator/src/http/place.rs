//! Writing orders: create, amend, decrease, cancel, cancel all. V1 writes are gone.

use actix_web::web::{self, Bytes, Path, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use serde_json::{Value, json};

use crate::venue::event::Side;
use crate::venue::order::{NewOrder, SelfTradePrevention, TimeInForce};
use crate::venue::refusal::Refusal;
use crate::venue::units::{Count, Micros, Price};
use crate::venue::{Amended, Amendment, Placed, Reduction, Venue};

use super::body::Body;
use super::error::ApiError;
use super::gate::Charge;
use super::query::Query;
use super::routing::Route;
use super::{HttpState, Reply, costs, json, place_batch, resource, wire};

pub(super) const SIDES: &[(&str, Side)] = &[("bid", Side::Bid), ("ask", Side::Ask)];
const TIMES_IN_FORCE: &[(&str, TimeInForce)] = &[
    ("good_till_canceled", TimeInForce::GoodTillCanceled),
    ("immediate_or_cancel", TimeInForce::ImmediateOrCancel),
    ("fill_or_kill", TimeInForce::FillOrKill),
];
const SELF_TRADE_PREVENTIONS: &[(&str, SelfTradePrevention)] =
    &[("taker_at_cross", SelfTradePrevention::TakerAtCross), ("maker", SelfTradePrevention::Maker)];
/// The longest client order id that is accepted.
const CLIENT_ORDER_ID_MAX: usize = 64;

pub(super) fn routes(config: &mut ServiceConfig) {
    config
        .service(
            resource("/portfolio/events/orders")
                .route(web::post().to(create))
                .route(web::delete().to(cancel_all)),
        )
        .service(
            resource("/portfolio/events/orders/batched")
                .route(web::post().to(place_batch::create))
                .route(web::delete().to(place_batch::cancel)),
        )
        .service(resource("/portfolio/events/orders/{order_id}").route(web::delete().to(cancel)))
        .service(resource("/portfolio/events/orders/{order_id}/amend").route(web::post().to(amend)))
        .service(resource("/portfolio/events/orders/{order_id}/decrease").route(web::post().to(decrease)))
        .service(resource("/portfolio/orders/{order_id}/amend").route(web::post().to(deprecated)))
        .service(resource("/portfolio/orders/{order_id}/decrease").route(web::post().to(deprecated)));
}

/// Answers the order writes of the first version.
pub(super) async fn deprecated(request: HttpRequest, state: web::Data<HttpState>) -> Reply {
    state.admit(&request, Charge::Unscoped(costs::DEFAULT))?;
    Err(ApiError::deprecated())
}

async fn create(request: HttpRequest, state: web::Data<HttpState>, body: Bytes) -> Reply {
    let account = state.verify(&request)?;
    let read = Body::parse(&body).and_then(|body| new_order(&body));
    state.charge(account, single(read.as_ref().map(|(_, route)| *route), costs::DEFAULT))?;
    let (new, _) = read?;
    let placed = state.give(|venue, now_us| venue.place(account, &new, now_us).map_err(ApiError::from))?;
    Ok(HttpResponse::Created().json(placed_json(&placed)))
}

async fn amend(
    request: HttpRequest,
    state: web::Data<HttpState>,
    order_id: Path<String>,
    body: Bytes,
) -> Reply {
    let account = state.verify(&request)?;
    let read = Body::parse(&body).and_then(|body| amendment(&body));
    state.charge(account, single(read.as_ref().map(|(_, route)| *route), costs::DEFAULT))?;
    let subaccount = Query::of(&request)?.subaccount()?.unwrap_or(0);
    let (amendment, route) = read?;
    let amended = state.give(|venue, now_us| {
        of_subaccount(venue, account, &order_id, subaccount)?;
        let shard = route.searched(venue, Some(&amendment.ticker))?;
        Ok(venue.amend(account, &order_id, &amendment, Some(shard), now_us)?)
    })?;
    Ok(json(&amended_json(&amended)))
}

async fn decrease(
    request: HttpRequest,
    state: web::Data<HttpState>,
    order_id: Path<String>,
    body: Bytes,
) -> Reply {
    let account = state.verify(&request)?;
    let read = Body::parse(&body).and_then(|body| reduction(&body));
    state.charge(account, single(read.as_ref().map(|(_, route, _)| *route), costs::DEFAULT))?;
    let subaccount = Query::of(&request)?.subaccount()?.unwrap_or(0);
    let (reduction, route, ticker) = read?;
    let (order_id, client_order_id, remaining, ts_us) = state.give(|venue, now_us| {
        of_subaccount(venue, account, &order_id, subaccount)?;
        let shard = searched(venue, account, &order_id, route, ticker.as_deref())?;
        let (order_id, client_order_id, remaining) =
            venue.decrease(account, &order_id, reduction, Some(shard), now_us)?;
        Ok((order_id, client_order_id, remaining, now_us))
    })?;
    Ok(json(&json!({
        "order_id": order_id,
        "client_order_id": client_order_id,
        "remaining_count": wire::count(remaining),
        "ts_ms": ts_us / 1_000,
    })))
}

async fn cancel(request: HttpRequest, state: web::Data<HttpState>, order_id: Path<String>) -> Reply {
    let account = state.verify(&request)?;
    let query = Query::of(&request)?;
    let route = Route::of(query.number("exchange_index")?)?;
    state.charge(account, Charge::Write { cost: costs::CANCEL, shard: route.charged() })?;
    let subaccount = query.subaccount()?.unwrap_or(0);
    let canceled = state.give(|venue, now_us| {
        of_subaccount(venue, account, &order_id, subaccount)?;
        let shard = searched(venue, account, &order_id, route, query.text("market_ticker"))?;
        Ok(venue.cancel(account, &order_id, Some(shard), now_us)?)
    })?;
    Ok(json(&json!({
        "order_id": canceled.order_id,
        "client_order_id": canceled.client_order_id,
        "reduced_by": wire::count(canceled.reduced_by),
        "ts_ms": canceled.ts_us / 1_000,
    })))
}

async fn cancel_all(request: HttpRequest, state: web::Data<HttpState>) -> Reply {
    let account = state.admit(&request, Charge::Unscoped(costs::CANCEL))?;
    let subaccount = Query::of(&request)?.subaccount()?;
    state.give(|venue, now_us| {
        venue.cancel_all(account, subaccount, now_us);
        Ok(())
    })?;
    Ok(HttpResponse::NoContent().finish())
}

impl HttpState {
    /// Gives the venue a command at the present time.
    pub(super) fn give<T>(
        &self,
        command: impl FnOnce(&mut Venue, i64) -> Result<T, ApiError>,
    ) -> Result<T, ApiError> {
        self.0.exchange.with(|venue| {
            let now_us = self.now_us();
            venue.advance(now_us);
            command(venue, now_us)
        })
    }
}

/// Returns the charge of a single write; a body that cannot be read is charged to the unscoped bucket.
fn single(route: Result<Route, &ApiError>, cost: u32) -> Charge {
    match route {
        Ok(route) => Charge::Write { cost, shard: route.charged() },
        Err(_) => Charge::Unscoped(cost),
    }
}

/// Returns the shard to search for an order; a ticker that is not the order's is refused.
pub(super) fn searched(
    venue: &Venue,
    account: usize,
    order_id: &str,
    route: Route,
    market_ticker: Option<&str>,
) -> Result<i64, ApiError> {
    let order = venue.order_of(account, order_id);
    if let (Some(ticker), Some(order)) = (market_ticker, order)
        && *ticker != *order.ticker
    {
        return Err(ApiError::bad("order_ticker_mismatch", "order ticker mismatch"));
    }
    route.searched(venue, market_ticker)
}

/// Reads a create request and where it wants to go.
pub(super) fn new_order(body: &Body) -> Result<(NewOrder, Route), ApiError> {
    let exchange_index = body.number("exchange_index")?;
    let route = Route::of(exchange_index)?;
    let new = NewOrder {
        ticker: body.text("ticker")?.to_owned(),
        client_order_id: client_order_id(body, "client_order_id")?,
        side: body.word("side", SIDES)?,
        price: body.price("price")?,
        count: body.count("count")?,
        time_in_force: body.word("time_in_force", TIMES_IN_FORCE)?,
        self_trade_prevention: body.word("self_trade_prevention_type", SELF_TRADE_PREVENTIONS)?,
        post_only: body.flag("post_only")?,
        reduce_only: body.flag("reduce_only")?,
        cancel_order_on_pause: body.flag("cancel_order_on_pause")?,
        expiration_time: body.number("expiration_time")?,
        subaccount: body.subaccount("subaccount")?.unwrap_or(0),
        order_group_id: body.optional_text("order_group_id")?.map(str::to_owned),
        exchange_index,
    };
    Ok((new, route))
}

fn amendment(body: &Body) -> Result<(Amendment, Route), ApiError> {
    let route = Route::of(body.number("exchange_index")?)?;
    let amendment = Amendment {
        ticker: body.text("ticker")?.to_owned(),
        side: body.word("side", SIDES)?,
        price: body.price("price")?,
        count: body.count("count")?,
        client_order_id: client_order_id(body, "client_order_id")?,
        updated_client_order_id: client_order_id(body, "updated_client_order_id")?,
        expiration_time: body.number("expiration_time")?,
    };
    Ok((amendment, route))
}

fn reduction(body: &Body) -> Result<(Reduction, Route, Option<String>), ApiError> {
    let route = Route::of(body.number("exchange_index")?)?;
    let ticker = body.optional_text("market_ticker")?.map(str::to_owned);
    let reduction = match (body.optional_count("reduce_by")?, body.optional_count("reduce_to")?) {
        (Some(by), None) if by > 0 => Reduction::By(by),
        (None, Some(to)) => Reduction::To(to),
        (Some(_), None) => {
            return Err(ApiError::bad("invalid_order_size", "reduce_by must be more than zero"));
        }
        (Some(_), Some(_)) | (None, None) => {
            return Err(ApiError::unreadable("exactly one of reduce_by and reduce_to is required"));
        }
    };
    Ok((reduction, route, ticker))
}

fn client_order_id(body: &Body, name: &str) -> Result<Option<String>, ApiError> {
    match body.optional_text(name)? {
        Some(id) if id.len() > CLIENT_ORDER_ID_MAX => {
            Err(ApiError::unreadable(format!("{name} must have at most {CLIENT_ORDER_ID_MAX} characters")))
        }
        id => Ok(id.map(str::to_owned)),
    }
}

/// Checks that an order is of the subaccount that a request means; another's is not found.
pub(super) fn of_subaccount(
    venue: &Venue,
    member: usize,
    order_id: &str,
    subaccount: i64,
) -> Result<(), ApiError> {
    match venue.order_of(member, order_id) {
        Some(order) if order.subaccount != subaccount => Err(Refusal::not_found().into()),
        _ => Ok(()),
    }
}

/// Returns the reply of a create.
pub(super) fn placed_json(placed: &Placed) -> Value {
    let mut reply = json!({
        "order_id": placed.order_id,
        "client_order_id": placed.client_order_id,
        "fill_count": wire::count(placed.filled),
        "remaining_count": wire::count(placed.remaining),
        "ts_ms": placed.ts_us / 1_000,
    });
    add_averages(&mut reply, placed.average_price, placed.average_fee);
    reply
}

fn amended_json(amended: &Amended) -> Value {
    let mut reply = json!({
        "order_id": amended.order_id,
        "client_order_id": amended.client_order_id,
        "ts_ms": amended.ts_us / 1_000,
    });
    // A change of price or expiry alone answers with ids only.
    if amended.size_changed {
        add(&mut reply, "remaining_count", wire::count(amended.remaining));
        add(&mut reply, "fill_count", wire::count(amended.filled));
    }
    add_averages(&mut reply, amended.average_price, amended.average_fee);
    reply
}

fn add_averages(reply: &mut Value, price: Option<Price>, fee: Option<Micros>) {
    if let (Some(price), Some(fee)) = (price, fee) {
        add(reply, "average_fill_price", wire::price(price));
        add(reply, "average_fee_paid", wire::average(fee));
    }
}

fn add(reply: &mut Value, key: &str, value: Value) {
    if let Some(reply) = reply.as_object_mut() {
        reply.insert(key.to_owned(), value);
    }
}

/// Returns the contracts of a batch cancel that came to nothing.
pub(super) const NOTHING: Count = 0;

//! Reading orders and their places in the queue.

use actix_web::HttpRequest;
use actix_web::web::{self, Path, ServiceConfig};
use serde_json::{Value, json};

use crate::venue::event::Side;
use crate::venue::order::{Order, OrderStatus};
use crate::venue::units::DOLLAR;

use super::error::ApiError;
use super::gate::Charge;
use super::page::{Page, Place};
use super::place::deprecated;
use super::query::Query;
use super::{HttpState, Reply, costs, json, resource, wire};

const STATUSES: &[(&str, OrderStatus)] = &[
    ("resting", OrderStatus::Resting),
    ("canceled", OrderStatus::Canceled),
    ("executed", OrderStatus::Executed),
];

pub(super) fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/portfolio/orders").route(web::get().to(list)).route(web::post().to(deprecated)))
        .service(
            resource("/portfolio/orders/batched")
                .route(web::post().to(deprecated))
                .route(web::delete().to(deprecated)),
        )
        .service(resource("/portfolio/orders/queue_positions").route(web::get().to(queue_positions)))
        .service(
            resource("/portfolio/orders/{order_id}")
                .route(web::get().to(one))
                .route(web::delete().to(deprecated)),
        )
        .service(
            resource("/portfolio/orders/{order_id}/queue_position").route(web::get().to(queue_position)),
        );
}

async fn list(request: HttpRequest, state: web::Data<HttpState>) -> Reply {
    let account = state.admit(&request, Charge::Read(costs::DEFAULT))?;
    let query = Query::of(&request)?;
    let page = Page::of(&query, 100, 1_000)?;
    let status = match query.text("status") {
        None => None,
        Some(name) => match STATUSES.iter().find(|(known, _)| *known == name) {
            Some((_, status)) => Some(*status),
            None => return Err(ApiError::bad("invalid_status_filter", "invalid status filter")),
        },
    };
    let (tickers, events) = (query.names("ticker")?, query.names("event_ticker")?);
    let span = query.span("min_ts", "max_ts")?;
    let (subaccount, shard) = (query.subaccount()?, query.shard()?);
    let (view, cutoff) = (state.view(account)?, state.cutoff());
    let wanted = view.orders.iter().filter(|order| {
        !cutoff.has_order(order)
            && status.is_none_or(|status| status == order.status)
            && (tickers.is_empty() || tickers.contains(&&*order.ticker))
            && (events.is_empty() || events.contains(&state.event_of(&order.ticker).as_str()))
            && span.holds(order.created_us)
            && subaccount.is_none_or(|subaccount| subaccount == order.subaccount)
            && shard.is_none_or(|shard| shard == order.exchange_index)
    });
    let number = |order: &Order| i64::try_from(order.number).unwrap_or(i64::MAX);
    let items = wanted.map(|order| (Place::new(number(order), ""), order)).collect();
    let (orders, cursor) = page.cut(items);
    let orders: Vec<Value> = orders.into_iter().map(order_json).collect();
    Ok(json(&json!({ "orders": orders, "cursor": cursor })))
}

async fn one(request: HttpRequest, state: web::Data<HttpState>, order_id: Path<String>) -> Reply {
    let account = state.admit(&request, Charge::Read(costs::READ_ORDER))?;
    let subaccount = Query::of(&request)?.subaccount()?;
    let view = state.view(account)?;
    let order = view.orders.iter().find(|order| *order.order_id == **order_id);
    let order = order.filter(|order| !state.cutoff().has_order(order) && is_in(order, subaccount));
    let order = order.ok_or_else(|| ApiError::not_found("order not found"))?;
    Ok(json(&json!({ "order": order_json(order) })))
}

fn is_in(order: &Order, subaccount: Option<i64>) -> bool {
    subaccount.is_none_or(|subaccount| subaccount == order.subaccount)
}

async fn queue_position(request: HttpRequest, state: web::Data<HttpState>, order_id: Path<String>) -> Reply {
    let account = state.admit(&request, Charge::Read(costs::DEFAULT))?;
    let subaccount = Query::of(&request)?.subaccount()?;
    let position = state.0.exchange.with(|venue| {
        let is_wanted = |order: &&Order| order.status == OrderStatus::Resting && is_in(order, subaccount);
        let order = venue.order_of(account, &order_id).filter(is_wanted)?;
        Some(venue.queue_position(order))
    });
    let position = position.ok_or_else(|| ApiError::not_found("order not found"))?;
    Ok(json(&json!({ "queue_position_fp": wire::count(position) })))
}

async fn queue_positions(request: HttpRequest, state: web::Data<HttpState>) -> Reply {
    let account = state.admit(&request, Charge::Read(costs::DEFAULT))?;
    let query = Query::of(&request)?;
    let (tickers, event) = (query.names("market_tickers")?, query.text("event_ticker"));
    let subaccount = query.subaccount()?.unwrap_or(0);
    let positions: Vec<Value> = state.0.exchange.with(|venue| {
        let of_event = |order: &Order| {
            let market = venue.market(&order.ticker);
            event.is_none_or(|event| market.is_some_and(|market| market.listing.event_ticker == event))
        };
        let resting = venue.orders_of(account).into_iter().filter(|order| {
            order.status == OrderStatus::Resting
                && order.subaccount == subaccount
                && (tickers.is_empty() || tickers.contains(&&*order.ticker))
                && of_event(order)
        });
        resting
            .map(|order| {
                json!({
                    "order_id": order.order_id,
                    "market_ticker": order.ticker,
                    "queue_position_fp": wire::count(venue.queue_position(order)),
                })
            })
            .collect()
    });
    Ok(json(&json!({ "queue_positions": positions })))
}

pub(super) fn order_json(order: &Order) -> Value {
    json!({
        "order_id": order.order_id,
        "user_id": order.user_id,
        "client_order_id": order.client_order_id,
        "ticker": order.ticker,
        "side": order.side.outcome().name(),
        // Orders of the V2 endpoints buy one of the legs.
        "action": "buy",
        "outcome_side": order.side.outcome().name(),
        "book_side": order.side.name(),
        "type": "limit",
        "status": order.status.name(),
        "yes_price_dollars": wire::price(order.price),
        "no_price_dollars": wire::price(DOLLAR - order.price),
        "fill_count_fp": wire::count(order.filled),
        "remaining_count_fp": wire::count(order.remaining),
        "initial_count_fp": wire::count(order.initial),
        "taker_fill_cost_dollars": wire::money(order.taker_cost),
        "maker_fill_cost_dollars": wire::money(order.maker_cost),
        "taker_fees_dollars": wire::money(order.taker_fees),
        "maker_fees_dollars": wire::money(order.maker_fees),
        "expiration_time": wire::optional_time(order.expiration_us),
        "created_time": wire::time(order.created_us),
        "last_update_time": wire::time(order.updated_us),
        "self_trade_prevention_type": order.self_trade_prevention.name(),
        "order_group_id": order.order_group_id,
        "cancel_order_on_pause": order.cancel_order_on_pause,
        "subaccount_number": order.subaccount,
        "exchange_index": order.exchange_index,
    })
}

/// Returns the direction of a party in all the exchange's words for it.
pub(super) fn direction(side: Side) -> (&'static str, &'static str) {
    (side.outcome().name(), side.name())
}

//! The archive over REST: what has left the live lists, in the same shapes.

use actix_web::HttpRequest;
use actix_web::web::{self, Path, ServiceConfig};
use serde_json::{Value, json};

use crate::venue::history::Cutoff;
use crate::venue::order::Order;

use super::error::ApiError;
use super::gate::Charge;
use super::markets::{market_json, market_place};
use super::orders::order_json;
use super::page::{Page, Place};
use super::portfolio::{PositionFilter, event_positions, fill_json, holding, rows_of};
use super::query::Query;
use super::{HttpState, Reply, costs, json, resource, trades, wire};

pub(super) fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/historical/cutoff").route(web::get().to(cutoff)))
        .service(resource("/historical/markets").route(web::get().to(markets)))
        .service(resource("/historical/markets/{ticker}").route(web::get().to(market)))
        .service(resource("/historical/trades").route(web::get().to(trades::archived)))
        .service(resource("/historical/fills").route(web::get().to(fills)))
        .service(resource("/historical/orders").route(web::get().to(orders)))
        .service(resource("/historical/positions").route(web::get().to(positions)));
}

impl HttpState {
    /// Returns where the archive ends now.
    pub(super) fn cutoff(&self) -> Cutoff {
        let now_us = self.now_us();
        self.0.exchange.with(|venue| venue.cutoff(now_us))
    }
}

async fn cutoff(state: web::Data<HttpState>) -> Reply {
    let at = wire::time(state.cutoff().at_us);
    Ok(json(&json!({
        "market_settled_ts": at,
        "trades_created_ts": at,
        "orders_updated_ts": at,
        "market_positions_last_updated_ts": at,
    })))
}

async fn markets(request: HttpRequest, state: web::Data<HttpState>) -> Reply {
    let query = Query::of(&request)?;
    let page = Page::of(&query, 100, 1_000)?;
    let (tickers, event, series) =
        (query.names("tickers")?, query.text("event_ticker"), query.text("series_ticker"));
    let filters = [!tickers.is_empty(), event.is_some(), series.is_some()];
    if filters.into_iter().filter(|is_used| *is_used).count() > 1 {
        return Err(ApiError::bad_request("tickers, event_ticker and series_ticker exclude each other"));
    }
    let without_combos = match query.text("mve_filter") {
        None => false,
        Some("exclude") => true,
        Some(_) => return Err(ApiError::parameter("mve_filter")),
    };
    let now_us = state.now_us();
    let (markets, cursor) = state.0.exchange.with(|venue| {
        let cutoff = venue.cutoff(now_us);
        let wanted = venue.markets.values().filter(|market| {
            cutoff.has_market(market)
                && (tickers.is_empty() || tickers.contains(&&*market.ticker))
                && event.is_none_or(|event| event == market.listing.event_ticker)
                && series.is_none_or(|series| series == market.listing.series_ticker)
                && !(without_combos && market.combo.is_some())
        });
        let (markets, cursor) = page.cut(wanted.map(|market| (market_place(market), market)).collect());
        let markets: Vec<Value> = markets.into_iter().map(|market| market_json(market, now_us)).collect();
        (markets, cursor)
    });
    Ok(json(&json!({ "markets": markets, "cursor": cursor })))
}

async fn market(state: web::Data<HttpState>, ticker: Path<String>) -> Reply {
    let now_us = state.now_us();
    let market = state.0.exchange.with(|venue| {
        let cutoff = venue.cutoff(now_us);
        let market = venue.market(&ticker).filter(|market| cutoff.has_market(market))?;
        Some(market_json(market, now_us))
    });
    let market = market.ok_or_else(|| ApiError::not_found("market not found"))?;
    Ok(json(&json!({ "market": market })))
}

async fn fills(request: HttpRequest, state: web::Data<HttpState>) -> Reply {
    let account = state.admit(&request, Charge::Read(costs::DEFAULT))?;
    let query = Query::of(&request)?;
    let page = Page::of(&query, 100, 1_000)?;
    let (ticker, span) = (query.text("ticker"), query.span("min_ts", "max_ts")?);
    let subaccount = query.subaccount()?;
    let (view, cutoff) = (state.view(account)?, state.cutoff());
    let items = (0_i64..).zip(&view.fills).filter(|(_, fill)| {
        cutoff.has(fill.ts_us)
            && ticker.is_none_or(|ticker| *ticker == *fill.ticker)
            && span.holds(fill.ts_us)
            && subaccount.is_none_or(|subaccount| subaccount == fill.subaccount)
    });
    let (fills, cursor) = page.cut(items.map(|(number, fill)| (Place::new(number, ""), fill)).collect());
    let fills: Vec<Value> = fills.into_iter().map(fill_json).collect();
    Ok(json(&json!({ "fills": fills, "cursor": cursor })))
}

async fn orders(request: HttpRequest, state: web::Data<HttpState>) -> Reply {
    let account = state.admit(&request, Charge::Read(costs::DEFAULT))?;
    let query = Query::of(&request)?;
    let page = Page::of(&query, 100, 1_000)?;
    let (ticker, span) = (query.text("ticker"), query.span("min_ts", "max_ts")?);
    let subaccount = query.subaccount()?;
    let (view, cutoff) = (state.view(account)?, state.cutoff());
    let wanted = view.orders.iter().filter(|order| {
        cutoff.has_order(order)
            && ticker.is_none_or(|ticker| *ticker == *order.ticker)
            && span.holds(order.created_us)
            && subaccount.is_none_or(|subaccount| subaccount == order.subaccount)
    });
    let number = |order: &Order| i64::try_from(order.number).unwrap_or(i64::MAX);
    let items = wanted.map(|order| (Place::new(number(order), ""), order)).collect();
    let (orders, cursor) = page.cut(items);
    let orders: Vec<Value> = orders.into_iter().map(order_json).collect();
    Ok(json(&json!({ "orders": orders, "cursor": cursor })))
}

async fn positions(request: HttpRequest, state: web::Data<HttpState>) -> Reply {
    let account = state.admit(&request, Charge::Read(costs::DEFAULT))?;
    let query = Query::of(&request)?;
    let page = Page::of(&query, 100, 1_000)?;
    let filter = PositionFilter::archived(&query)?;
    let view = state.view(account)?;
    let holding = holding(&view, query.subaccount()?)?;
    let (rows, cursor) = page.cut(rows_of(&state, holding, &filter));
    let markets: Vec<Value> = rows.iter().map(super::portfolio::Row::json).collect();
    Ok(json(
        &json!({ "market_positions": markets, "event_positions": event_positions(&rows), "cursor": cursor }),
    ))
}

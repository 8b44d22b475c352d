//! Events: the markets that ask about the same thing. Unsigned.

use std::collections::BTreeMap;

use actix_web::HttpRequest;
use actix_web::web::{self, Path, ServiceConfig};
use serde_json::{Value, json};

use crate::venue::market::Market;
use crate::venue::{FeeChange, FeeScope, Venue};

use super::error::ApiError;
use super::markets::{market_json, statuses};
use super::page::{Page, Place};
use super::query::Query;
use super::series::{category_of, multiplier};
use super::{HttpState, Reply, json, resource, wire};

pub(super) fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/events").route(web::get().to(list)))
        .service(resource("/events/multivariate").route(web::get().to(multivariate)))
        .service(resource("/events/fee_changes").route(web::get().to(fee_changes)))
        .service(resource("/events/{event_ticker}").route(web::get().to(one)))
        .service(resource("/events/{event_ticker}/metadata").route(web::get().to(metadata)));
}

/// Markets by event, of combos or of all others. An event exists as long as one of its markets is known.
fn by_event(venue: &Venue, combos: bool) -> BTreeMap<&str, Vec<&Market>> {
    let mut events: BTreeMap<&str, Vec<&Market>> = BTreeMap::new();
    for market in venue.markets.values().filter(|market| market.combo.is_some() == combos) {
        events.entry(&market.listing.event_ticker).or_default().push(market);
    }
    events
}

async fn list(request: HttpRequest, state: web::Data<HttpState>) -> Reply {
    let query = Query::of(&request)?;
    let page = Page::of(&query, 200, 200)?;
    let nested = query.flag("with_nested_markets")?;
    let with_milestones = query.flag("with_milestones")?;
    if query.text("status") == Some("paused") {
        return Err(ApiError::bad_request("invalid status filter"));
    }
    let status = statuses(query.text("status"))?;
    let (series, tickers) = (query.text("series_ticker"), query.names("tickers")?);
    let (closing, updated) = (query.span("min_close_ts", "")?, query.span("min_updated_ts", "")?);
    let now_us = state.now_us();
    let (events, cursor) = state.0.exchange.with(|venue| {
        let events = by_event(venue, false).into_iter().filter(|(ticker, markets)| {
            let any = |test: &dyn Fn(&Market) -> bool| markets.iter().any(|market| test(market));
            (tickers.is_empty() || tickers.contains(ticker))
                && series.is_none_or(|series| any(&|market| market.listing.series_ticker == series))
                && status.is_none_or(|statuses| any(&|market| statuses.contains(&market.status)))
                && any(&|market| closing.holds(market.listing.close_us))
                && any(&|market| updated.holds(market.updated_us))
        });
        page_of(venue, &page, events, nested, now_us)
    });
    let mut reply = json!({ "events": events, "cursor": cursor });
    if let (true, Some(reply)) = (with_milestones, reply.as_object_mut()) {
        reply.insert("milestones".to_owned(), json!([]));
    }
    Ok(json(&reply))
}

async fn one(request: HttpRequest, state: web::Data<HttpState>, ticker: Path<String>) -> Reply {
    let query = Query::of(&request)?;
    let (nested, bare) = (query.flag("with_nested_markets")?, query.flag("exclude_markets")?);
    if nested && bare {
        return Err(ApiError::bad_request("exclude_markets and with_nested_markets exclude each other"));
    }
    let now_us = state.now_us();
    let reply = state.0.exchange.with(|venue| {
        let markets = markets_of(venue, &ticker)?;
        let event = event_json(venue, &markets, nested, now_us)?;
        let beside: Vec<Value> = match nested || bare {
            true => Vec::new(),
            false => live(venue, &markets, now_us),
        };
        Some(json!({ "event": event, "markets": beside }))
    });
    Ok(json(&reply.ok_or_else(|| ApiError::not_found("event not found"))?))
}

async fn metadata(state: web::Data<HttpState>, ticker: Path<String>) -> Reply {
    let details: Option<Vec<Value>> = state.0.exchange.with(|venue| {
        let markets = markets_of(venue, &ticker)?;
        let detail =
            |market: &&Market| json!({ "market_ticker": market.ticker, "image_url": "", "color_code": "" });
        Some(markets.iter().map(detail).collect())
    });
    let details = details.ok_or_else(|| ApiError::not_found("event not found"))?;
    Ok(json(&json!({
        "image_url": "",
        "featured_image_url": "",
        "market_details": details,
        "settlement_sources": [],
    })))
}

/// Events of combos.
async fn multivariate(request: HttpRequest, state: web::Data<HttpState>) -> Reply {
    let query = Query::of(&request)?;
    let page = Page::of(&query, 100, 200)?;
    let nested = query.flag("with_nested_markets")?;
    let (series, collection) = (query.text("series_ticker"), query.text("collection_ticker"));
    if series.is_some() && collection.is_some() {
        return Err(ApiError::bad_request("series_ticker and collection_ticker exclude each other"));
    }
    let tickers = query.names("tickers")?;
    let now_us = state.now_us();
    let (events, cursor) = state.0.exchange.with(|venue| {
        let of_collection = |market: &Market| {
            market.combo.as_ref().is_some_and(|combo| Some(combo.collection.as_str()) == collection)
        };
        let events = by_event(venue, true).into_iter().filter(|(ticker, markets)| {
            (tickers.is_empty() || tickers.contains(ticker))
                && series
                    .is_none_or(|series| markets.iter().any(|market| market.listing.series_ticker == series))
                && (collection.is_none() || markets.iter().any(|market| of_collection(market)))
        });
        page_of(venue, &page, events, nested, now_us)
    });
    Ok(json(&json!({ "events": events, "cursor": cursor })))
}

async fn fee_changes(request: HttpRequest, state: web::Data<HttpState>) -> Reply {
    let query = Query::of(&request)?;
    let page = Page::of(&query, 100, 1_000)?;
    let event = query.text("event_ticker");
    let (changes, cursor) = state.0.exchange.with(|venue| {
        let wanted = venue.fee_changes.iter().filter(|change| {
            change.scope == FeeScope::Event && event.is_none_or(|event| event == change.ticker)
        });
        let (changes, cursor) =
            page.cut(wanted.map(|change| (Place::new(change.at_us, &*change.id), change)).collect());
        let changes: Vec<Value> = changes.into_iter().map(|change| fee_change_json(venue, change)).collect();
        (changes, cursor)
    });
    Ok(json(&json!({ "event_fee_changes": changes, "cursor": cursor })))
}

fn fee_change_json(venue: &Venue, change: &FeeChange) -> Value {
    let market = markets_of(venue, &change.ticker).and_then(|markets| markets.first().copied());
    json!({
        "id": change.id,
        "event_ticker": change.ticker,
        "series_ticker": market.map_or("", |market| market.listing.series_ticker.as_str()),
        "fee_type_override": change.fees.map(|fees| fees.kind.name()),
        "fee_multiplier_override": change.fees.map(|fees| multiplier(fees.multiplier)),
        "scheduled_ts": wire::time(change.at_us),
    })
}

fn markets_of<'a>(venue: &'a Venue, event_ticker: &str) -> Option<Vec<&'a Market>> {
    let of_event = |market: &&Market| market.listing.event_ticker == event_ticker;
    let markets: Vec<&Market> = venue.markets.values().filter(of_event).collect();
    (!markets.is_empty()).then_some(markets)
}

/// Returns a page of events, newest first, and the cursor of the next one.
fn page_of<'a>(
    venue: &Venue,
    page: &Page,
    events: impl Iterator<Item = (&'a str, Vec<&'a Market>)>,
    nested: bool,
    now_us: i64,
) -> (Vec<Value>, String) {
    let created = |markets: &[&Market]| markets.iter().map(|market| market.created_us).min().unwrap_or(0);
    let items = events.map(|(ticker, markets)| (Place::new(created(&markets), ticker), markets)).collect();
    let (events, cursor) = page.cut(items);
    let events =
        events.into_iter().filter_map(|markets| event_json(venue, &markets, nested, now_us)).collect();
    (events, cursor)
}

/// Returns the markets that are not archived.
fn live(venue: &Venue, markets: &[&Market], now_us: i64) -> Vec<Value> {
    let cutoff = venue.cutoff(now_us);
    let live = markets.iter().filter(|market| !cutoff.has_market(market));
    live.map(|market| market_json(market, now_us)).collect()
}

fn event_json(venue: &Venue, markets: &[&Market], nested: bool, now_us: i64) -> Option<Value> {
    let listing = &markets.first()?.listing;
    let updated_us = markets.iter().map(|market| market.updated_us).max()?;
    let strike_us = markets.iter().map(|market| market.listing.close_us).max()?;
    let mut event = json!({
        "event_ticker": listing.event_ticker,
        "series_ticker": listing.series_ticker,
        "title": listing.event_title,
        "sub_title": "",
        "category": category_of(venue, &listing.series_ticker),
        "collateral_return_type": "",
        "mutually_exclusive": false,
        "strike_date": wire::time(strike_us),
        "strike_period": "",
        "settlement_sources": [],
        "last_updated_ts": wire::time(updated_us),
        "exchange_index": listing.exchange_index,
    });
    if let (true, Some(event)) = (nested, event.as_object_mut()) {
        event.insert("markets".to_owned(), Value::Array(live(venue, markets, now_us)));
    }
    if let (Some(fees), Some(event)) = (venue.event_fees(&listing.event_ticker), event.as_object_mut()) {
        event.insert("fee_type_override".to_owned(), json!(fees.kind.name()));
        event.insert("fee_multiplier_override".to_owned(), multiplier(fees.multiplier));
    }
    Some(event)
}

//! Collections and the combos that members make in them.

use actix_web::HttpRequest;
use actix_web::web::{self, Bytes, Path, ServiceConfig};
use serde_json::{Value, json};

use crate::venue::Venue;
use crate::venue::combo::{Collection, SHARD, SelectedLeg};
use crate::venue::event::Leg;
use crate::venue::grid::CENTER_DECI_EDGE_CENTI;

use super::body::Body;
use super::error::ApiError;
use super::gate::Charge;
use super::markets::{market_json, range_json};
use super::page::{Page, Place};
use super::query::Query;
use super::{HttpState, Reply, costs, json, resource, wire};

const LIMIT: usize = 200;

pub(super) fn routes(config: &mut ServiceConfig) {
    config.service(resource("/multivariate_event_collections").route(web::get().to(list))).service(
        resource("/multivariate_event_collections/{collection_ticker}")
            .route(web::get().to(one))
            .route(web::post().to(create)),
    );
}

async fn list(request: HttpRequest, state: web::Data<HttpState>) -> Reply {
    let query = Query::of(&request)?;
    let page = Page::of(&query, LIMIT, LIMIT)?;
    let status = query.text("status");
    if status.is_some_and(|status| !["unopened", "open", "closed"].contains(&status)) {
        return Err(ApiError::bad_request("invalid status filter"));
    }
    let (event, series) = (query.text("associated_event_ticker"), query.text("series_ticker"));
    let now_us = state.now_us();
    let (collections, cursor) = state.0.exchange.with(|venue| {
        let wanted = venue.collections.by_ticker.values().filter(|collection| {
            status.is_none_or(|status| status == status_of(collection, now_us))
                && series.is_none_or(|series| series == collection.series_ticker)
                && event.is_none_or(|event| venue.associated_events(collection).contains(&event))
        });
        let items =
            wanted.map(|collection| (Place::new(0, collection.ticker.as_str()), collection)).collect();
        let (collections, cursor) = page.cut(items);
        let collections: Vec<Value> =
            collections.into_iter().map(|collection| collection_json(venue, collection)).collect();
        (collections, cursor)
    });
    Ok(json(&json!({ "multivariate_contracts": collections, "cursor": cursor })))
}

fn status_of(collection: &Collection, now_us: i64) -> &'static str {
    match now_us {
        now_us if now_us < collection.open_us => "unopened",
        now_us if now_us < collection.close_us => "open",
        _ => "closed",
    }
}

async fn one(state: web::Data<HttpState>, ticker: Path<String>) -> Reply {
    let collection = state.0.exchange.with(|venue| {
        let collection = venue.collections.by_ticker.get(ticker.as_str())?;
        Some(collection_json(venue, collection))
    });
    let collection = collection.ok_or_else(|| ApiError::not_found("collection not found"))?;
    Ok(json(&json!({ "multivariate_contract": collection })))
}

fn collection_json(venue: &Venue, collection: &Collection) -> Value {
    let events = venue.associated_events(collection);
    let associated: Vec<Value> = events
        .iter()
        .map(|event| {
            json!({ "ticker": event, "is_yes_only": false, "size_max": 1, "size_min": 0, "active_quoters": [] })
        })
        .collect();
    let ranges: Vec<Value> = CENTER_DECI_EDGE_CENTI.ranges.iter().map(range_json).collect();
    json!({
        "collection_ticker": collection.ticker,
        "series_ticker": collection.series_ticker,
        "exchange_index": SHARD,
        "title": collection.title,
        "description": collection.description,
        "open_date": wire::time(collection.open_us),
        "close_date": wire::time(collection.close_us),
        "associated_events": associated,
        "associated_event_tickers": events,
        "is_ordered": false,
        "is_single_market_per_event": true,
        "is_all_yes": false,
        "size_min": collection.size_min,
        "size_max": collection.size_max,
        "functional_description": "YES pays if every selected market settles on its selected side.",
        "price_level_structure": CENTER_DECI_EDGE_CENTI.name,
        "price_ranges": ranges,
    })
}

async fn create(
    request: HttpRequest,
    state: web::Data<HttpState>,
    ticker: Path<String>,
    bytes: Bytes,
) -> Reply {
    let account = state.admit(&request, Charge::Read(costs::DEFAULT))?;
    let body = Body::parse(&bytes)?;
    let with_market = body.flag("with_market_payload")?;
    let legs = body.list("selected_markets")?.into_iter().map(|leg| leg_of(&leg?));
    let legs = legs.collect::<Result<Vec<SelectedLeg>, ApiError>>()?;
    let now_us = state.now_us();
    let made = state.0.exchange.with(|venue| {
        let ticker = venue.combine(account, &ticker, &legs, now_us)?;
        let market = venue.market(&ticker).ok_or_else(crate::venue::refusal::Refusal::not_found)?;
        let mut made = json!({ "event_ticker": market.listing.event_ticker, "market_ticker": ticker });
        if let (true, Some(made)) = (with_market, made.as_object_mut()) {
            made.insert("market".to_owned(), market_json(market, now_us));
        }
        Ok::<_, ApiError>(made)
    })?;
    Ok(json(&made))
}

pub(super) fn leg_of(leg: &Body) -> Result<SelectedLeg, ApiError> {
    Ok(SelectedLeg {
        event_ticker: leg.text("event_ticker")?.to_owned(),
        market_ticker: leg.text("market_ticker")?.to_owned(),
        side: leg.word("side", &[("yes", Leg::Yes), ("no", Leg::No)])?,
    })
}

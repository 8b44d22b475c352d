//! Series: families of events with the same rules and fees. Unsigned.

use std::collections::BTreeMap;

use actix_web::HttpRequest;
use actix_web::web::{self, Path, ServiceConfig};
use serde_json::{Value, json};

use crate::venue::fees::{FeeKind, FeeSchedule};
use crate::venue::market::Market;
use crate::venue::{FeeScope, Venue, combo};

use super::error::ApiError;
use super::query::Query;
use super::{HttpState, Reply, json, resource, wire};

/// What a series says of itself when nobody described it.
const CATEGORY: &str = "Simulation";

pub(super) fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/series").route(web::get().to(list)))
        .service(resource("/series/fee_changes").route(web::get().to(fee_changes)))
        .service(resource("/series/{series_ticker}").route(web::get().to(one)));
}

/// Returns the category of a series.
pub(super) fn category_of<'a>(venue: &'a Venue, series_ticker: &str) -> &'a str {
    venue.series.get(series_ticker).map_or(CATEGORY, |series| series.category.as_str())
}

/// Markets by series.
fn by_series(venue: &Venue) -> BTreeMap<&str, Vec<&Market>> {
    let mut series: BTreeMap<&str, Vec<&Market>> = BTreeMap::new();
    series.extend(venue.series.keys().map(|ticker| (ticker.as_str(), Vec::new())));
    for market in venue.markets.values() {
        series.entry(&market.listing.series_ticker).or_default().push(market);
    }
    series
}

async fn list(request: HttpRequest, state: web::Data<HttpState>) -> Reply {
    let query = Query::of(&request)?;
    let (category, tags) = (query.text("category"), query.names("tags")?);
    let with_volume = query.flag("include_volume")?;
    let with_metadata = query.flag("include_product_metadata")?;
    let updated = query.span("min_updated_ts", "")?;
    let mut series: Vec<Value> = state.0.exchange.with(|venue| {
        let wanted = by_series(venue).into_iter().filter(|(ticker, markets)| {
            let of_series: &[String] = venue.series.get(*ticker).map_or(&[], |series| &series.tags);
            category.is_none_or(|category| category == category_of(venue, ticker))
                && (tags.is_empty() || tags.iter().any(|tag| of_series.iter().any(|of| of == tag)))
                && (!updated.is_set() || markets.iter().any(|market| updated.holds(market.created_us)))
        });
        wanted.map(|(ticker, markets)| series_json(venue, ticker, &markets, with_volume)).collect()
    });
    if with_metadata {
        // Nobody described the series any further.
        for series in series.iter_mut().filter_map(Value::as_object_mut) {
            series.insert("product_metadata".to_owned(), json!({}));
        }
    }
    Ok(json(&json!({ "series": series })))
}

async fn one(request: HttpRequest, state: web::Data<HttpState>, ticker: Path<String>) -> Reply {
    let with_volume = Query::of(&request)?.flag("include_volume")?;
    let series = state.0.exchange.with(|venue| {
        let markets = by_series(venue).remove(ticker.as_str())?;
        Some(series_json(venue, &ticker, &markets, with_volume))
    });
    let series = series.ok_or_else(|| ApiError::not_found("series not found"))?;
    Ok(json(&json!({ "series": series })))
}

/// Coming changes, and past ones on request.
async fn fee_changes(request: HttpRequest, state: web::Data<HttpState>) -> Reply {
    let query = Query::of(&request)?;
    let (series, with_past) = (query.text("series_ticker"), query.flag("show_historical")?);
    let now_us = state.now_us();
    let changes: Vec<Value> = state.0.exchange.with(|venue| {
        let wanted = venue.fee_changes.iter().filter(|change| {
            change.scope == FeeScope::Series
                && series.is_none_or(|series| series == change.ticker)
                && (with_past || change.at_us > now_us)
        });
        wanted
            .filter_map(|change| {
                let fees = change.fees?;
                Some(json!({
                    "id": change.id,
                    "series_ticker": change.ticker,
                    "fee_type": fees.kind.name(),
                    "fee_multiplier": multiplier(fees.multiplier),
                    "scheduled_ts": wire::time(change.at_us),
                }))
            })
            .collect()
    });
    Ok(json(&json!({ "series_fee_change_arr": changes })))
}

/// Returns a series. One without markets so far has the usual terms, or those of combos.
fn series_json(venue: &Venue, ticker: &str, markets: &[&Market], with_volume: bool) -> Value {
    let described = venue.series.get(ticker);
    let category = category_of(venue, ticker);
    let listing = markets.first().map(|market| &market.listing);
    let collections = venue.collections.by_ticker.values();
    let (shard, fees) = match listing {
        Some(listing) => (listing.exchange_index, listing.fees),
        None if collections.into_iter().any(|of| of.series_ticker == ticker) => (combo::SHARD, combo::FEES),
        None => (0, FeeSchedule { kind: FeeKind::Quadratic, multiplier: 1_000 }),
    };
    let title = described.map(|series| series.title.as_str());
    let changed_us = markets.iter().map(|market| market.created_us).max();
    let mut series = json!({
        "ticker": ticker,
        "title": title.or(listing.map(|listing| listing.event_title.as_str())).unwrap_or(ticker),
        "frequency": described.map_or("custom", |series| series.frequency.as_str()),
        "category": category,
        "categories": [category],
        "tags": described.map_or(&[] as &[String], |series| &series.tags),
        "settlement_sources": [],
        "contract_url": "",
        "contract_terms_url": "",
        "fee_type": fees.kind.name(),
        "fee_multiplier": multiplier(fees.multiplier),
        "additional_prohibitions": [],
        "exchange_index": shard,
    });
    if let Some(series) = series.as_object_mut() {
        series.extend(changed_us.map(|at_us| ("last_updated_ts".to_owned(), wire::time(at_us))));
        let volume = with_volume.then(|| markets.iter().map(|market| market.volume).sum());
        series.extend(volume.map(|volume| ("volume_fp".to_owned(), wire::count(volume))));
    }
    series
}

/// Returns a multiplier in thousandths as the JSON number that the exchange sends.
pub(super) fn multiplier(milli: i64) -> Value {
    if milli % 1_000 == 0 {
        return json!(milli / 1_000);
    }
    let text = format!("{}.{:03}", milli / 1_000, milli % 1_000);
    text.parse::<serde_json::Number>().map_or(Value::Null, Value::Number)
}

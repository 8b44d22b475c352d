//! Candlesticks of markets and events, live and archived. Unsigned.
//!
//! The archive names its keys without the units that the live replies carry.

use actix_web::HttpRequest;
use actix_web::web::{self, Path, ServiceConfig};
use serde_json::{Map, Value, json};

use crate::venue::candles::{Candle, CandleRange, Ohlc};
use crate::venue::market::Market;

use super::error::ApiError;
use super::query::Query;
use super::{HttpState, Reply, json, resource, wire};

/// Markets that one batch may name.
const BATCH_MAX: usize = 100;
/// Candles that one reply may hold.
const CANDLES_MAX: i64 = 10_000;
const PERIODS_MIN: [i64; 3] = [1, 60, 1_440];

/// Registers what must come before `/markets/{ticker}`.
pub(super) fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/markets/candlesticks").route(web::get().to(batch)))
        .service(
            resource("/series/{series_ticker}/markets/{ticker}/candlesticks").route(web::get().to(of_market)),
        )
        .service(
            resource("/series/{series_ticker}/events/{ticker}/candlesticks").route(web::get().to(of_event)),
        )
        .service(resource("/historical/markets/{ticker}/candlesticks").route(web::get().to(archived)));
}

/// Reads the range that is asked for.
fn range_of(query: &Query) -> Result<CandleRange, ApiError> {
    let required = |name| query.number(name)?.ok_or_else(|| ApiError::parameter(name));
    let range = CandleRange {
        start_s: required("start_ts")?,
        end_s: required("end_ts")?,
        period_min: required("period_interval")?,
        with_latest_before: query.flag("include_latest_before_start")?,
    };
    if !PERIODS_MIN.contains(&range.period_min) {
        return Err(ApiError::parameter("period_interval"));
    }
    if range.end_s < range.start_s {
        return Err(ApiError::parameter("end_ts"));
    }
    Ok(range)
}

/// Refuses a range with more periods than a reply may hold.
fn check_size(range: CandleRange, markets: usize) -> Result<(), ApiError> {
    let asked = range.periods().saturating_mul(i64::try_from(markets).unwrap_or(i64::MAX));
    if asked <= CANDLES_MAX {
        return Ok(());
    }
    let details = format!("{asked} candlesticks are asked for, at most {CANDLES_MAX} are allowed");
    Err(ApiError::bad_request(&details))
}

fn live(market: &Market, range: CandleRange) -> Vec<Value> {
    market.candles.of(range).iter().map(|candle| candle_json(candle, LIVE)).collect()
}

async fn of_market(request: HttpRequest, state: web::Data<HttpState>, path: Path<(String, String)>) -> Reply {
    let range = range_of(&Query::of(&request)?)?;
    check_size(range, 1)?;
    let (series, ticker) = path.into_inner();
    let now_us = state.now_us();
    let candles = state.0.exchange.with(|venue| {
        let market = venue.live_market(&ticker, now_us);
        let market = market.filter(|market| market.listing.series_ticker == series)?;
        Some(live(market, range))
    });
    let candles = candles.ok_or_else(|| ApiError::not_found("market not found"))?;
    Ok(json(&json!({ "ticker": ticker, "candlesticks": candles })))
}

async fn batch(request: HttpRequest, state: web::Data<HttpState>) -> Reply {
    let query = Query::of(&request)?;
    let tickers = query.names("market_tickers")?;
    if tickers.is_empty() || tickers.len() > BATCH_MAX {
        return Err(ApiError::parameter("market_tickers"));
    }
    let range = range_of(&query)?;
    check_size(range, tickers.len())?;
    let now_us = state.now_us();
    // Unknown markets are left out of the list.
    let markets: Vec<Value> = state.0.exchange.with(|venue| {
        let known = tickers.iter().filter_map(|ticker| venue.live_market(ticker, now_us));
        known
            .map(|market| json!({ "market_ticker": market.ticker, "candlesticks": live(market, range) }))
            .collect()
    });
    Ok(json(&json!({ "markets": markets })))
}

async fn of_event(request: HttpRequest, state: web::Data<HttpState>, path: Path<(String, String)>) -> Reply {
    let mut range = range_of(&Query::of(&request)?)?;
    let (series, event) = path.into_inner();
    let now_us = state.now_us();
    let (tickers, candles) = state.0.exchange.with(|venue| {
        let cutoff = venue.cutoff(now_us);
        let of_event = |market: &&Market| {
            market.listing.event_ticker == event
                && market.listing.series_ticker == series
                && !cutoff.has_market(market)
        };
        let markets: Vec<&Market> = venue.markets.values().filter(of_event).collect();
        let each_max = CANDLES_MAX / i64::try_from(markets.len().max(1)).unwrap_or(i64::MAX);
        if range.periods() > each_max {
            range.end_s = range.start_s + each_max.saturating_sub(1) * range.period_min * 60;
        }
        let tickers: Vec<String> = markets.iter().map(|market| market.ticker.to_string()).collect();
        let candles: Vec<Vec<Value>> = markets.iter().map(|market| live(market, range)).collect();
        (tickers, candles)
    });
    if tickers.is_empty() {
        return Err(ApiError::not_found("event not found"));
    }
    Ok(json(&json!({
        "market_tickers": tickers,
        "market_candlesticks": candles,
        "adjusted_end_ts": range.end_s,
    })))
}

async fn archived(request: HttpRequest, state: web::Data<HttpState>, ticker: Path<String>) -> Reply {
    let range = range_of(&Query::of(&request)?)?;
    check_size(range, 1)?;
    let now_us = state.now_us();
    let candles: Option<Vec<Value>> = state.0.exchange.with(|venue| {
        let cutoff = venue.cutoff(now_us);
        let market = venue.market(&ticker).filter(|market| cutoff.has_market(market))?;
        let candles = market.candles.of(range);
        Some(candles.iter().map(|candle| candle_json(candle, ARCHIVE)).collect())
    });
    let candles = candles.ok_or_else(|| ApiError::not_found("market not found"))?;
    Ok(json(&json!({ "ticker": ticker.as_str(), "candlesticks": candles })))
}

/// How the two tiers write candles.
#[derive(Debug, Clone, Copy)]
struct Style {
    dollars: &'static str,
    count: &'static str,
    /// What did not happen is null, else left out.
    has_nulls: bool,
}

const LIVE: Style = Style { dollars: "_dollars", count: "_fp", has_nulls: false };
const ARCHIVE: Style = Style { dollars: "", count: "", has_nulls: true };

fn candle_json(candle: &Candle, style: Style) -> Value {
    let mut price = candle.price.map(|price| ohlc(price, style)).unwrap_or_default();
    for (name, value) in [("mean", candle.mean()), ("previous", candle.previous)] {
        price.extend(value.map(|value| (format!("{name}{}", style.dollars), wire::price(value))));
    }
    if style.has_nulls {
        for name in ["open", "low", "high", "close", "mean", "previous"] {
            price.entry(name).or_insert(Value::Null);
        }
    }
    let mut whole = Map::new();
    whole.insert("end_period_ts".to_owned(), json!(candle.end_min * 60));
    whole.insert("yes_bid".to_owned(), Value::Object(ohlc(candle.bid, style)));
    whole.insert("yes_ask".to_owned(), Value::Object(ohlc(candle.ask, style)));
    whole.insert("price".to_owned(), Value::Object(price));
    whole.insert(format!("volume{}", style.count), wire::count(candle.volume));
    whole.insert(format!("open_interest{}", style.count), wire::count(candle.open_interest));
    Value::Object(whole)
}

fn ohlc(prices: Ohlc, style: Style) -> Map<String, Value> {
    let Ohlc { open, low, high, close } = prices;
    let named = [("open", open), ("low", low), ("high", high), ("close", close)];
    named.into_iter().map(|(name, value)| (format!("{name}{}", style.dollars), wire::price(value))).collect()
}

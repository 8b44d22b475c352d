//! Markets and their books. Unsigned.

use actix_web::HttpRequest;
use actix_web::web::{self, Path, ServiceConfig};
use serde_json::{Value, json};

use crate::replay::NoBook;
use crate::venue::candles::Candle;
use crate::venue::combo::SelectedLeg;
use crate::venue::market::{Market, Status};
use crate::venue::units::{DOLLAR, Price};

use super::error::ApiError;
use super::page::{Page, Place};
use super::query::{Query, Span};
use super::{HttpState, Reply, json, resource, trades, wire};

/// The largest depth that can be asked for.
const DEPTH_MAX: i64 = 100;
const DAY_US: i64 = 24 * 60 * 60 * 1_000_000;

pub(super) fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/markets").route(web::get().to(list)))
        .service(resource("/markets/trades").route(web::get().to(trades::list)))
        .service(resource("/markets/orderbooks").route(web::get().to(orderbooks)))
        .service(resource("/markets/{ticker}").route(web::get().to(one)))
        .service(resource("/markets/{ticker}/orderbook").route(web::get().to(orderbook)));
}

async fn list(request: HttpRequest, state: web::Data<HttpState>) -> Reply {
    let query = Query::of(&request)?;
    let page = Page::of(&query, 100, 1_000)?;
    let filter = MarketFilter::of(&query)?;
    let now_us = state.now_us();
    let (markets, cursor) = state.0.exchange.with(|venue| {
        let cutoff = venue.cutoff(now_us);
        let wanted =
            venue.markets.values().filter(|market| filter.wants(market) && !cutoff.has_market(market));
        let (markets, cursor) = page.cut(wanted.map(|market| (market_place(market), market)).collect());
        let markets: Vec<Value> = markets.into_iter().map(|market| market_json(market, now_us)).collect();
        (markets, cursor)
    });
    Ok(json(&json!({ "markets": markets, "cursor": cursor })))
}

/// Returns where a market stands in a list: newest first.
pub(super) fn market_place(market: &Market) -> Place {
    Place::new(market.created_us, &*market.ticker)
}

async fn one(state: web::Data<HttpState>, ticker: Path<String>) -> Reply {
    let now_us = state.now_us();
    let market = state
        .0
        .exchange
        .with(|venue| venue.live_market(&ticker, now_us).map(|market| market_json(market, now_us)));
    let market = market.ok_or_else(|| ApiError::not_found("market not found"))?;
    Ok(json(&json!({ "market": market })))
}

async fn orderbook(request: HttpRequest, state: web::Data<HttpState>, ticker: Path<String>) -> Reply {
    let query = Query::of(&request)?;
    let depth = query.bounded("depth", 0..=DEPTH_MAX)?;
    let depth = depth.and_then(|depth| usize::try_from(depth).ok()).filter(|depth| *depth > 0);
    let book = state.book(&ticker, depth)?;
    Ok(json(&json!({ "orderbook_fp": book })))
}

async fn orderbooks(request: HttpRequest, state: web::Data<HttpState>) -> Reply {
    let query = Query::of(&request)?;
    let tickers = query.names("tickers")?;
    if tickers.is_empty() {
        return Err(ApiError::parameter("tickers"));
    }
    let mut books = Vec::with_capacity(tickers.len());
    for ticker in tickers {
        match state.book(ticker, None) {
            Ok(book) => books.push(json!({ "ticker": ticker, "orderbook_fp": book })),
            // Unknown markets are left out of the list.
            Err(ApiError::Nested { status: 404, .. }) => {}
            Err(other) => return Err(other),
        }
    }
    Ok(json(&json!({ "orderbooks": books })))
}

impl HttpState {
    /// Returns the bids of both legs, best last, of the recording if one is served.
    fn book(&self, ticker: &str, depth: Option<usize>) -> Result<Value, ApiError> {
        let unknown = || ApiError::not_found("market not found");
        if let Some(recording) = &self.0.recording {
            let view = recording.orderbook(ticker).map_err(|no_book| match no_book {
                NoBook::UnknownMarket => unknown(),
                NoBook::NotReached | NoBook::Broken => ApiError::unavailable(&no_book.to_string()),
            })?;
            let side = |levels: Vec<(String, String)>| json!(best(levels, depth));
            return Ok(json!({ "yes_dollars": side(view.yes), "no_dollars": side(view.no) }));
        }
        let now_us = self.now_us();
        let (yes, no): (Vec<_>, Vec<_>) = self
            .0
            .exchange
            .with(|venue| {
                let market = venue.live_market(ticker, now_us)?;
                Some((market.yes_levels().collect(), market.no_levels().collect()))
            })
            .ok_or_else(unknown)?;
        let side = |levels: Vec<_>| wire::levels(best(levels, depth).into_iter());
        Ok(json!({ "yes_dollars": side(yes), "no_dollars": side(no) }))
    }
}

/// Keeps the best levels, which stand last.
fn best<T>(mut levels: Vec<T>, depth: Option<usize>) -> Vec<T> {
    let cut = depth.map_or(0, |depth| levels.len().saturating_sub(depth));
    levels.split_off(cut)
}

/// Which markets are asked for.
#[derive(Debug)]
struct MarketFilter<'a> {
    status: Option<&'static [Status]>,
    tickers: Vec<&'a str>,
    event: Option<&'a str>,
    series: Option<&'a str>,
    created: Span,
    updated: Span,
    close: Span,
    settled: Span,
    /// Combos only, or none; else both.
    combos: Option<bool>,
}

/// Returns the states that a status filter stands for.
pub(super) fn statuses(name: Option<&str>) -> Result<Option<&'static [Status]>, ApiError> {
    Ok(Some(match name {
        None => return Ok(None),
        Some("unopened") => &[Status::Initialized],
        Some("open") => &[Status::Active],
        Some("paused") => &[Status::Inactive],
        Some("closed") => &[Status::Closed, Status::Determined, Status::Disputed, Status::Amended],
        Some("settled") => &[Status::Finalized],
        Some(_) => return Err(ApiError::bad_request("invalid status filter")),
    }))
}

impl<'a> MarketFilter<'a> {
    fn of(query: &'a Query) -> Result<Self, ApiError> {
        let status = query.text("status");
        let filter = Self {
            status: statuses(status)?,
            tickers: query.names("tickers")?,
            event: query.text("event_ticker"),
            series: query.text("series_ticker"),
            created: query.span("min_created_ts", "max_created_ts")?,
            updated: query.span("min_updated_ts", "max_updated_ts")?,
            close: query.span("min_close_ts", "max_close_ts")?,
            settled: query.span("min_settled_ts", "max_settled_ts")?,
            combos: match query.text("mve_filter") {
                None => None,
                Some("exclude") => Some(false),
                Some("only") => Some(true),
                Some(_) => return Err(ApiError::parameter("mve_filter")),
            },
        };
        filter.check(status)?;
        Ok(filter)
    }

    /// The families of times exclude each other, and each goes with some statuses only.
    fn check(&self, status: Option<&str>) -> Result<(), ApiError> {
        let families = [
            (self.created, ["unopened", "open"].as_slice()),
            (self.close, &["closed"]),
            (self.settled, &["settled"]),
            (self.updated, &[]),
        ];
        let mut used = families.iter().filter(|(span, _)| span.is_set());
        let first = used.next();
        let has_others = status.is_some() || !self.tickers.is_empty() || self.event.is_some();
        if self.updated.is_set() && (has_others || self.combos == Some(true)) {
            return Err(ApiError::bad_request("min_updated_ts and max_updated_ts exclude other filters"));
        }
        if self.updated.is_set() && self.series.is_some() && self.combos != Some(false) {
            return Err(ApiError::bad_request("series_ticker needs mve_filter=exclude here"));
        }
        if used.next().is_some() {
            return Err(ApiError::bad_request("timestamp filters of different kinds exclude each other"));
        }
        match (first, status) {
            (Some((_, goes_with)), Some(status)) if !goes_with.contains(&status) => {
                Err(ApiError::bad_request("timestamp filter does not go with the status filter"))
            }
            _ => Ok(()),
        }
    }

    fn wants(&self, market: &Market) -> bool {
        let listing = &market.listing;
        self.combos.is_none_or(|combos| combos == market.combo.is_some())
            && self.status.is_none_or(|statuses| statuses.contains(&market.status))
            && (self.tickers.is_empty() || self.tickers.contains(&&*market.ticker))
            && self.event.is_none_or(|event| event == listing.event_ticker)
            && self.series.is_none_or(|series| series == listing.series_ticker)
            && self.created.holds(market.created_us)
            && self.updated.holds(market.updated_us)
            && self.close.holds(listing.close_us)
            && self.settled.holds_some(market.settled_us)
    }
}

/// Returns a market as the exchange shows it.
pub(super) fn market_json(market: &Market, now_us: i64) -> Value {
    wire::merged([identity(market), life(market), quotes(market, now_us), combo_json(market)])
}

/// Returns what the market asks, and on which prices.
fn identity(market: &Market) -> Value {
    let listing = &market.listing;
    let ranges: Vec<Value> = listing.grid.ranges.iter().map(range_json).collect();
    json!({
        "ticker": market.ticker,
        "event_ticker": listing.event_ticker,
        "market_type": "binary",
        "title": listing.title,
        "subtitle": listing.yes_sub_title,
        "yes_sub_title": listing.yes_sub_title,
        "no_sub_title": listing.yes_sub_title,
        "rules_primary": format!("{} This market is simulated.", listing.title),
        "rules_secondary": "No real money is at stake.",
        "notional_value_dollars": wire::price(DOLLAR),
        "price_level_structure": listing.grid.name,
        "price_ranges": ranges,
        "settlement_bounds_type": "default",
        "is_provisional": false,
        "exchange_index": listing.exchange_index,
    })
}

/// Returns where the market stands in its life. What has not happened yet is left out.
fn life(market: &Market) -> Value {
    let listing = &market.listing;
    let outcome = market.determined_us.map(|_| listing.outcome);
    let result = outcome.map_or("", |outcome| outcome.result);
    let close_time = wire::time(listing.close_us);
    wire::without_nulls(json!({
        "status": market.status.name(),
        "created_time": wire::time(market.created_us),
        "updated_time": wire::time(market.updated_us),
        "open_time": wire::time(listing.open_us),
        "close_time": close_time,
        "expected_expiration_time": close_time,
        "occurrence_datetime": market.combo.is_none().then_some(&close_time),
        "expiration_time": close_time,
        "latest_expiration_time": close_time,
        "settlement_timer_seconds": listing.settlement_timer_s,
        "can_close_early": listing.can_close_early,
        "result": result,
        "expiration_value": result,
        "settlement_value_dollars": outcome.map(|outcome| wire::price(outcome.value)),
        "settlement_ts": market.settled_us.map(wire::time),
        "fee_waiver_expiration_time": market.fee_waiver_until_us.map(wire::time),
    }))
}

/// Returns the top of the book and the totals.
fn quotes(market: &Market, now_us: i64) -> Value {
    let view = market.ticker_view(now_us);
    // A market that nobody ever quoted was recorded with zeros; an empty side asks a dollar after that.
    let is_unseen =
        market.clock == 0 && market.volume == 0 && view.yes_bid_size == 0 && view.yes_ask_size == 0;
    let yes_ask = if is_unseen { 0 } else { view.yes_ask };
    // Where nobody had quoted a day ago, zeros.
    let day_ago = market.candles.at(now_us - DAY_US);
    let before = |of: fn(&Candle) -> Price| wire::price(day_ago.as_ref().map_or(0, of));
    json!({
        "yes_bid_dollars": wire::price(view.yes_bid),
        "yes_bid_size_fp": wire::count(view.yes_bid_size),
        "yes_ask_dollars": wire::price(yes_ask),
        "yes_ask_size_fp": wire::count(view.yes_ask_size),
        "no_bid_dollars": wire::price(DOLLAR - yes_ask),
        "no_ask_dollars": wire::price(DOLLAR - view.yes_bid),
        "last_price_dollars": wire::price(market.last_price),
        "volume_fp": wire::count(market.volume),
        "volume_24h_fp": wire::count(market.volume_24h(now_us)),
        "open_interest_fp": wire::count(market.open_interest),
        "previous_yes_bid_dollars": before(|candle| candle.bid.close),
        "previous_yes_ask_dollars": before(|candle| candle.ask.close),
        "previous_price_dollars": before(|candle| candle.last().unwrap_or(0)),
    })
}

/// Returns what a combo is made of; the worth of its legs is told once they are determined.
fn combo_json(market: &Market) -> Value {
    let Some(combo) = &market.combo else { return json!({}) };
    let leg = |(leg, value): &(SelectedLeg, Price)| {
        wire::without_nulls(json!({
            "event_ticker": leg.event_ticker,
            "market_ticker": leg.market_ticker,
            "side": leg.side.name(),
            "yes_settlement_value_dollars": market.determined_us.map(|_| wire::price(*value)),
        }))
    };
    let legs: Vec<Value> = combo.legs.iter().map(leg).collect();
    json!({ "mve_collection_ticker": combo.collection, "mve_selected_legs": legs })
}

pub(super) fn range_json((start, end, step): &(Price, Price, Price)) -> Value {
    json!({ "start": wire::price(*start), "end": wire::price(*end), "step": wire::price(*step) })
}

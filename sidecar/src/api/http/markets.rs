//! Markets, their books and their trades.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize as _, Serialize};
use serde_json::Value;

use outrigger_engine::domain::{Market, MarketStatus, PriceRange, Ticker};

use super::desk_errors;
use super::orders::market;
use super::query::{Page, Query, page, rfc3339};
use crate::api::problem::{self, Problem};
use crate::api::state::ApiState;

/// A market as clients see it, in Kalshi's names.
#[derive(Debug, Serialize)]
struct MarketView<'a> {
    ticker: &'a Ticker,
    event_ticker: &'a str,
    title: &'a str,
    status: MarketStatus,
    price_ranges: &'a [PriceRange],
    exchange_index: i64,
    open_time: Option<&'a str>,
    close_time: Option<&'a str>,
    result: &'a str,
}

impl<'a> MarketView<'a> {
    fn of(market: &'a Market) -> MarketView<'a> {
        MarketView {
            ticker: &market.ticker,
            event_ticker: &market.event_ticker,
            title: &market.title,
            status: market.status,
            price_ranges: market.grid.ranges(),
            exchange_index: market.exchange_index,
            open_time: market.open_time.as_deref(),
            close_time: market.close_time.as_deref(),
            result: &market.result,
        }
    }
}

/// `GET /v1/markets`
pub(super) async fn list(state: web::Data<ApiState>, req: HttpRequest) -> Result<HttpResponse, Problem> {
    let mut query = Query::read(&req, &["limit", "cursor", "status", "event_ticker"]);
    let limit = query.limit();
    let status = query.parsed("status", status);
    let event = query.text("event_ticker").map(str::to_owned);
    let after = query.text("cursor").filter(|cursor| !cursor.is_empty()).map(str::to_owned);
    query.finish()?;
    let keep = |market: &Market| {
        status.is_none_or(|status| market.status == status)
            && event.as_deref().is_none_or(|event| market.event_ticker == event)
    };
    let markets = state.parts.catalog.page(after.as_deref(), limit.saturating_add(1), keep);
    let (markets, cursor) = page(markets.iter().map(MarketView::of), limit, |market| market.ticker.clone());
    let body = Page { name: "markets", rows: &markets, cursor: Some(cursor), as_of: None };
    Ok(HttpResponse::Ok().json(body))
}

/// `GET /v1/markets/{ticker}`
pub(super) async fn one(state: web::Data<ApiState>, req: HttpRequest) -> Result<HttpResponse, Problem> {
    let market = market(&state, &ticker(&req))?;
    Ok(HttpResponse::Ok().json(MarketView::of(&market)))
}

/// `GET /v1/markets/{ticker}/book`
pub(super) async fn book(state: web::Data<ApiState>, req: HttpRequest) -> Result<HttpResponse, Problem> {
    let ticker = ticker(&req);
    let book = state.parts.books.read(ticker.clone()).await.map_err(desk_errors::lane)?;
    match book {
        Some(book) => Ok(HttpResponse::Ok().json(book)),
        None => {
            market(&state, &ticker)?;
            let detail = format!("{ticker} is known, but its book has not arrived or is not followed");
            Err(Problem::new(problem::BOOK_NONE, detail))
        }
    }
}

/// `GET /v1/markets/{ticker}/trades`
pub(super) async fn trades(state: web::Data<ApiState>, req: HttpRequest) -> Result<HttpResponse, Problem> {
    let mut query = Query::read(&req, &["limit"]);
    let limit = query.limit();
    query.finish()?;
    let ticker = ticker(&req);
    market(&state, &ticker)?;
    let trades = state.parts.trades.trades(ticker, limit).await;
    let trades = trades.map_err(|reason| Problem::new(problem::TRADES_UNREADABLE, reason))?;
    let now_ms = (state.parts.clock)().wall.millis();
    let body = Page { name: "trades", rows: &trades, cursor: None, as_of: Some(rfc3339(now_ms)) };
    Ok(HttpResponse::Ok().json(body))
}

fn ticker(req: &HttpRequest) -> Ticker {
    Ticker::new(req.match_info().get("ticker").unwrap_or_default())
}

fn status(text: &str) -> Result<MarketStatus, String> {
    let status = MarketStatus::deserialize(Value::from(text)).ok();
    status.filter(|status| *status != MarketStatus::Unknown).ok_or_else(|| {
        let known = "initialized, active, inactive, closed, determined, disputed, amended, finalized";
        format!("{text:?} is no market status; there are {known}")
    })
}

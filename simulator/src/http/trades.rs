//! Public trades. Unsigned.

use actix_web::HttpRequest;
use actix_web::web;
use serde_json::{Value, json};

use crate::venue::market::PublicTrade;
use crate::venue::units::DOLLAR;

use super::orders::direction;
use super::page::{Page, Place};
use super::query::Query;
use super::{HttpState, Reply, json, wire};

pub(super) async fn list(request: HttpRequest, state: web::Data<HttpState>) -> Reply {
    reply(&request, &state, false)
}

pub(super) async fn archived(request: HttpRequest, state: web::Data<HttpState>) -> Reply {
    reply(&request, &state, true)
}

fn reply(request: &HttpRequest, state: &HttpState, archived: bool) -> Reply {
    let query = Query::of(request)?;
    let page = Page::of(&query, 100, 1_000)?;
    let ticker = query.text("ticker");
    let span = query.span("min_ts", "max_ts")?;
    let block_wanted = query.text("is_block_trade").map(|_| query.flag("is_block_trade")).transpose()?;
    let cutoff = state.cutoff();
    let (trades, cursor) = state.0.exchange.with(|venue| {
        let markets =
            venue.markets.values().filter(|market| ticker.is_none_or(|ticker| *ticker == *market.ticker));
        let trades =
            markets.flat_map(|market| market.trades.iter().map(move |trade| (&*market.ticker, trade)));
        let wanted = trades.filter(|(_, trade)| {
            block_wanted.is_none_or(|wanted| wanted == trade.is_block_trade)
                && span.holds(trade.ts_us)
                && cutoff.has(trade.ts_us) == archived
        });
        let number = |trade: &PublicTrade| i64::try_from(trade.number).unwrap_or(i64::MAX);
        let items = wanted.map(|(ticker, trade)| (Place::new(number(trade), ""), (ticker, trade))).collect();
        let (trades, cursor) = page.cut(items);
        let trades: Vec<Value> =
            trades.into_iter().map(|(ticker, trade)| trade_json(ticker, trade)).collect();
        (trades, cursor)
    });
    Ok(json(&json!({ "trades": trades, "cursor": cursor })))
}

fn trade_json(ticker: &str, trade: &PublicTrade) -> Value {
    let (outcome_side, book_side) = direction(trade.taker_side);
    json!({
        "trade_id": trade.trade_id,
        "ticker": ticker,
        "count_fp": wire::count(trade.count),
        "yes_price_dollars": wire::price(trade.yes_price),
        "no_price_dollars": wire::price(DOLLAR - trade.yes_price),
        "taker_side": outcome_side,
        "taker_outcome_side": outcome_side,
        "taker_book_side": book_side,
        "created_time": wire::time(trade.ts_us),
        "is_block_trade": trade.is_block_trade,
    })
}

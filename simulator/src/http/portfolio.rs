//! Reading what an account has: balance, positions, fills, settlements.

use std::collections::BTreeMap;
use std::sync::Arc;

use actix_web::HttpRequest;
use actix_web::web::{self, ServiceConfig};
use serde_json::{Value, json};

use crate::venue::Venue;
use crate::venue::account::{AccountId, Position, Settlement};
use crate::venue::event::Fill;
use crate::venue::market::{Market, Status};
use crate::venue::units::{Count, DOLLAR, Micros, Price};
use crate::view::{AccountView, Holding};

use super::error::ApiError;
use super::gate::Charge;
use super::orders::direction;
use super::page::{Page, Place};
use super::query::Query;
use super::{HttpState, Reply, costs, json, resource, wire};

pub(super) fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/portfolio/balance").route(web::get().to(balance)))
        .service(resource("/portfolio/positions").route(web::get().to(positions)))
        .service(resource("/portfolio/fills").route(web::get().to(fills)))
        .service(resource("/portfolio/settlements").route(web::get().to(settlements)));
}

impl HttpState {
    /// Returns what reads show of an account.
    pub(super) fn view(&self, account: AccountId) -> Result<Arc<AccountView>, ApiError> {
        self.0.exchange.account_view(account).ok_or_else(|| ApiError::not_found("account not found"))
    }

    /// Returns the event of a market. Markets that are no longer listed tell it by their ticker.
    pub(super) fn event_of(&self, ticker: &str) -> String {
        let listed = self
            .0
            .exchange
            .with(|venue| venue.market(ticker).map(|market| market.listing.event_ticker.clone()));
        listed.unwrap_or_else(|| ticker.rsplit_once('-').map_or(ticker, |(event, _)| event).to_owned())
    }
}

async fn balance(request: HttpRequest, state: web::Data<HttpState>) -> Reply {
    let account = state.admit(&request, Charge::Balance)?;
    let query = Query::of(&request)?;
    let shard = query.number("exchange_index")?.filter(|shard| *shard >= 0);
    let view = state.view(account)?;
    let holding = holding(&view, query.subaccount()?)?;
    let wanted = |of: i64| shard.is_none_or(|shard| shard == of);
    let cash: Vec<(i64, Micros)> =
        holding.cash.iter().map(|(of, cash)| (*of, *cash)).filter(|(of, _)| wanted(*of)).collect();
    let total: Micros = cash.iter().map(|(_, cash)| cash).sum();
    let value: Micros = state.0.exchange.with(|venue| {
        let held = holding.positions.iter().filter_map(|(ticker, position)| {
            let market = venue.market(ticker).filter(|market| wanted(market.listing.exchange_index))?;
            Some(value_of(market, position.net))
        });
        held.sum()
    });
    let breakdown: Vec<Value> = cash
        .iter()
        .map(|(shard, cash)| json!({ "exchange_index": shard, "balance": wire::average(*cash) }))
        .collect();
    Ok(json(&json!({
        "balance": wire::cents(total),
        "balance_dollars": wire::average(total),
        "portfolio_value": wire::cents(value),
        "updated_ts": holding.updated_us / 1_000_000,
        "balance_breakdown": breakdown,
    })))
}

/// Returns what a subaccount holds, the primary one unless another is named.
pub(super) fn holding(view: &AccountView, subaccount: Option<i64>) -> Result<&Holding, ApiError> {
    let found = view.holdings.get(&subaccount.unwrap_or(0));
    found.ok_or_else(|| ApiError::not_found("subaccount not found"))
}

/// Returns what a position is worth now: between the best bid and ask, or at the last price.
fn value_of(market: &Market, net: Count) -> Micros {
    let yes: Price = match (market.status, market.best_bid(), market.best_ask()) {
        (Status::Finalized, ..) => return 0,
        (status, ..) if status.has_result() => market.listing.outcome.value,
        (_, Some((bid, _)), Some((ask, _))) => (bid + ask) / 2,
        _ => market.last_price,
    };
    if net >= 0 { net * yes } else { -net * (DOLLAR - yes) }
}

async fn positions(request: HttpRequest, state: web::Data<HttpState>) -> Reply {
    let account = state.admit(&request, Charge::Read(costs::DEFAULT))?;
    let query = Query::of(&request)?;
    let page = Page::of(&query, 100, 1_000)?;
    let filter = PositionFilter::of(&query)?;
    let view = state.view(account)?;
    let holding = holding(&view, query.subaccount()?)?;
    let (rows, cursor) = page.cut(rows_of(&state, holding, &filter));
    let markets: Vec<Value> = rows.iter().map(Row::json).collect();
    Ok(json(
        &json!({ "market_positions": markets, "event_positions": event_positions(&rows), "cursor": cursor }),
    ))
}

/// Returns the positions that are asked for, live or archived.
pub(super) fn rows_of(
    state: &HttpState,
    holding: &Holding,
    filter: &PositionFilter<'_>,
) -> Vec<(Place, Row)> {
    let cutoff = state.cutoff();
    state.0.exchange.with(|venue| {
        let rows = holding.positions.iter().filter_map(|(ticker, position)| {
            Row::of(venue, ticker, *position).filter(|row| {
                filter.wants(venue, row) && cutoff.has_positions(venue, ticker) == filter.archived
            })
        });
        rows.map(|row| (Place::new(0, &*row.ticker), row)).collect()
    })
}

/// A position with what its market adds.
#[derive(Debug)]
pub(super) struct Row {
    ticker: Arc<str>,
    event_ticker: String,
    exchange_index: i64,
    position: Position,
}

impl Row {
    fn of(venue: &Venue, ticker: &Arc<str>, position: Position) -> Option<Self> {
        let market = venue.market(ticker);
        let event_of_ticker = || ticker.rsplit_once('-').map_or(&**ticker, |(event, _)| event).to_owned();
        Some(Self {
            ticker: Arc::clone(ticker),
            event_ticker: market.map_or_else(event_of_ticker, |market| market.listing.event_ticker.clone()),
            exchange_index: market.map_or(0, |market| market.listing.exchange_index),
            position,
        })
    }

    pub(super) fn json(&self) -> Value {
        let position = &self.position;
        json!({
            "ticker": self.ticker,
            "exchange_index": self.exchange_index,
            "total_traded_dollars": wire::money(position.traded),
            "position_fp": wire::count(position.net),
            "market_exposure_dollars": wire::money(position.cost),
            "realized_pnl_dollars": wire::money(position.realized_pnl),
            "fees_paid_dollars": wire::money(position.fees_paid),
            "last_updated_ts": wire::time(position.updated_us),
        })
    }
}

/// Which positions are asked for.
#[derive(Debug)]
pub(super) struct PositionFilter<'a> {
    archived: bool,
    tickers: Vec<&'a str>,
    event: Option<&'a str>,
    shard: Option<i64>,
    /// None for both.
    settled: Option<bool>,
    nonzero: Vec<&'a str>,
}

impl<'a> PositionFilter<'a> {
    fn of(query: &'a Query) -> Result<Self, ApiError> {
        let settled = match query.text("settlement_status") {
            None | Some("unsettled") => Some(false),
            Some("settled") => Some(true),
            Some("all") => None,
            Some(_) => return Err(ApiError::parameter("settlement_status")),
        };
        let nonzero = query.names("count_filter")?;
        if nonzero.iter().any(|name| !["position", "total_traded"].contains(name)) {
            return Err(ApiError::parameter("count_filter"));
        }
        Ok(Self {
            archived: false,
            tickers: query.names("ticker")?,
            event: query.text("event_ticker"),
            shard: query.shard()?,
            settled,
            nonzero,
        })
    }

    /// Reads what is asked of the archive, which holds settled positions only.
    pub(super) fn archived(query: &'a Query) -> Result<Self, ApiError> {
        Ok(Self { archived: true, settled: None, ..Self::of(query)? })
    }

    fn wants(&self, venue: &Venue, row: &Row) -> bool {
        let is_settled = venue.market(&row.ticker).is_none_or(|market| market.status == Status::Finalized);
        let is_nonzero = |name: &&str| match *name {
            "position" => row.position.net != 0,
            _ => row.position.traded != 0,
        };
        (self.tickers.is_empty() || self.tickers.contains(&&*row.ticker))
            && self.event.is_none_or(|event| event == row.event_ticker)
            && self.shard.is_none_or(|shard| shard == row.exchange_index)
            && self.settled.is_none_or(|settled| settled == is_settled)
            && (self.nonzero.is_empty() || self.nonzero.iter().any(is_nonzero))
    }
}

/// Adds positions up by their events.
pub(super) fn event_positions(rows: &[Row]) -> Vec<Value> {
    let mut events: BTreeMap<&str, Position> = BTreeMap::new();
    for row in rows {
        let sum = events.entry(&row.event_ticker).or_default();
        sum.traded += row.position.traded;
        sum.volume += row.position.volume;
        sum.cost += row.position.cost;
        sum.realized_pnl += row.position.realized_pnl;
        sum.fees_paid += row.position.fees_paid;
    }
    let json = |(event, sum): (&str, Position)| {
        json!({
            "event_ticker": event,
            "total_cost_dollars": wire::money(sum.traded),
            "total_cost_shares_fp": wire::count(sum.volume),
            "event_exposure_dollars": wire::money(sum.cost),
            "realized_pnl_dollars": wire::money(sum.realized_pnl),
            "fees_paid_dollars": wire::money(sum.fees_paid),
        })
    };
    events.into_iter().map(json).collect()
}

async fn fills(request: HttpRequest, state: web::Data<HttpState>) -> Reply {
    let account = state.admit(&request, Charge::Read(costs::DEFAULT))?;
    let query = Query::of(&request)?;
    let page = Page::of(&query, 100, 1_000)?;
    let (tickers, order_id) = (query.names("ticker")?, query.text("order_id"));
    let span = query.span("min_ts", "max_ts")?;
    let (subaccount, shard) = (query.subaccount()?, query.shard()?);
    let (view, cutoff) = (state.view(account)?, state.cutoff());
    let items = (0_i64..).zip(&view.fills).filter(|(_, fill)| {
        !cutoff.has(fill.ts_us)
            && (tickers.is_empty() || tickers.contains(&&*fill.ticker))
            && order_id.is_none_or(|order_id| *order_id == *fill.order_id)
            && span.holds(fill.ts_us)
            && subaccount.is_none_or(|subaccount| subaccount == fill.subaccount)
            && shard.is_none_or(|shard| shard == fill.exchange_index)
    });
    let (fills, cursor) = page.cut(items.map(|(number, fill)| (Place::new(number, ""), fill)).collect());
    let fills: Vec<Value> = fills.into_iter().map(fill_json).collect();
    Ok(json(&json!({ "fills": fills, "cursor": cursor })))
}

pub(super) fn fill_json(fill: &Fill) -> Value {
    let (outcome_side, book_side) = direction(fill.side);
    json!({
        "fill_id": fill.trade_id,
        "trade_id": fill.trade_id,
        "order_id": fill.order_id,
        "ticker": fill.ticker,
        "market_ticker": fill.ticker,
        "exchange_index": fill.exchange_index,
        "side": outcome_side,
        "action": "buy",
        "outcome_side": outcome_side,
        "book_side": book_side,
        "count_fp": wire::count(fill.count),
        "yes_price_dollars": wire::price(fill.yes_price),
        "no_price_dollars": wire::price(DOLLAR - fill.yes_price),
        "is_taker": fill.is_taker,
        "fee_cost": wire::money(fill.fee),
        "created_time": wire::time(fill.ts_us),
        "ts": fill.ts_us / 1_000_000,
        "subaccount_number": fill.subaccount,
    })
}

async fn settlements(request: HttpRequest, state: web::Data<HttpState>) -> Reply {
    let account = state.admit(&request, Charge::Read(costs::DEFAULT))?;
    let query = Query::of(&request)?;
    let page = Page::of(&query, 100, 1_000)?;
    let (tickers, event) = (query.names("ticker")?, query.text("event_ticker"));
    let span = query.span("min_ts", "max_ts")?;
    let subaccount = query.subaccount()?;
    let view = state.view(account)?;
    let items = (0_i64..).zip(&view.settlements).filter(|(_, row)| {
        subaccount.is_none_or(|subaccount| subaccount == row.subaccount)
            && (tickers.is_empty() || tickers.contains(&&*row.ticker))
            && event.is_none_or(|event| *event == *row.event_ticker)
            && span.holds(row.settled_us)
    });
    let (rows, cursor) = page.cut(items.map(|(number, row)| (Place::new(number, ""), row)).collect());
    let rows: Vec<Value> = rows.into_iter().map(settlement_json).collect();
    Ok(json(&json!({ "settlements": rows, "cursor": cursor })))
}

fn settlement_json(row: &Settlement) -> Value {
    json!({
        "ticker": row.ticker,
        "exchange_index": row.exchange_index,
        "event_ticker": row.event_ticker,
        "market_result": row.result,
        "yes_count_fp": wire::count(row.yes_count),
        "yes_total_cost_dollars": wire::money(row.yes_cost),
        "no_count_fp": wire::count(row.no_count),
        "no_total_cost_dollars": wire::money(row.no_cost),
        "revenue": wire::cents(row.revenue),
        "settled_time": wire::time(row.settled_us),
        "fee_cost": wire::money(row.fee),
        "value": row.value / 100,
    })
}

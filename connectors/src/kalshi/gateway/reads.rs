//! Reading the account back: complete, or not at all.

use std::collections::BTreeMap;
use std::sync::Arc;

use outrigger_engine::domain::{Market, Ticker, VenueOrderId, VenueTime, WallTime};
use outrigger_engine::venue::{BookSample, ReportScope, VenueOrder, VenueReport};

use super::client::{Rest, escaped};
use super::route::{self, Request, Route};
use crate::kalshi::budget::{Client, Lane};
use crate::kalshi::normalize::rest as normal;
use crate::kalshi::outcome::{explain_unauthorized, venue_error};
use crate::kalshi::wire::rest as wire;

const PAGE_LIMIT: u32 = 1_000;
/// More pages than any account has; a cursor that never ends is an error, not a loop.
const PAGES_MAX: u32 = 2_000;
const PATIENCE_MS: u64 = 20_000;
/// How long a sample waits for tokens.
const SAMPLE_PATIENCE_MS: u64 = 500;
/// Repeats of a read the venue's limiter refused.
const THROTTLED_MAX: u32 = 5;

/// Reads through the budget, in the lane of reconciliation unless made for the background.
pub(crate) struct Reads {
    rest: Arc<Rest>,
    lane: Lane,
}

/// Makes the function that reads one page of a list: rows by `$row`, and the cursor of the next page.
macro_rules! page_of {
    ($page:ident, $row:path) => {
        |body: &[u8]| {
            let page: crate::kalshi::wire::rest::$page<'_> =
                serde_json::from_slice(body).map_err(|error| error.to_string())?;
            let (rows, cursor) = crate::kalshi::wire::rest::Page::into_parts(page);
            let rows = rows
                .into_iter()
                .map($row)
                .collect::<Result<Vec<_>, _>>()
                .map_err(|error| error.to_string())?;
            Ok((rows, cursor.map(std::borrow::Cow::into_owned)))
        }
    };
}

pub(super) use page_of;

impl Reads {
    pub(crate) fn new(rest: Arc<Rest>) -> Reads {
        Reads { rest, lane: Lane::Reconcile }
    }

    /// Lets every other request go first.
    pub(crate) fn in_background(self) -> Reads {
        Reads { lane: Lane::Background, ..self }
    }

    /// Reads everything `scope` asks for. Any failure on the way fails the whole report.
    pub(super) async fn report(&self, scope: ReportScope) -> Result<VenueReport, String> {
        let started = self.rest.now().wall;
        // First of all: what is read after it is at least this fresh.
        let body = self.get(&route::USER_DATA_TIMESTAMP, "").await?;
        let as_of = serde_json::from_slice(&body).map_err(|error| error.to_string())?;
        let as_of = normal::as_of(as_of).map_err(|error| error.to_string())?;
        let since = since_query(scope.since);
        let (orders, orders_not_found) = self.orders(&scope).await?;
        let read_fills = page_of!(FillsPage, normal::fill_row);
        let mut fills = self.pages(&route::FILLS, &since, read_fills).await?;
        for order in &scope.fills_of {
            let query = format!("order_id={}", escaped(order.as_str()));
            // Some are read twice; a fill counts once by its trade and order id.
            fills.extend(self.pages(&route::FILLS, &query, read_fills).await?);
        }
        let positions = page_of!(PositionsPage, normal::position_row);
        let positions = self.pages(&route::POSITIONS, "", positions).await?;
        let settlements = page_of!(SettlementsPage, normal::settlement_row);
        let settlements = self.pages(&route::SETTLEMENTS, &since, settlements).await?;
        let balance = self.balance().await?;
        Ok(VenueReport {
            scope,
            started,
            as_of,
            orders,
            orders_not_found,
            fills,
            positions,
            settlements,
            balance,
        })
    }

    /// Reads all resting orders, then those of the scope, then single ones. An order that was read twice appears once, as
    /// the later read showed it: two rows that contradict each other would be worse than either.
    async fn orders(&self, scope: &ReportScope) -> Result<(Vec<VenueOrder>, Vec<VenueOrderId>), String> {
        let rows = page_of!(OrdersPage, normal::order_row);
        let mut found: BTreeMap<VenueOrderId, VenueOrder> = BTreeMap::new();
        let mut lists = Vec::new();
        if scope.since.is_some() {
            lists.push("status=resting".to_owned());
        }
        // Without a beginning this is every order, resting ones included.
        lists.push(since_query(scope.since));
        for query in lists {
            let orders = self.pages(&route::ORDERS, &query, rows).await?;
            found.extend(orders.into_iter().map(|order| (order.venue_order_id.clone(), order)));
        }
        let mut missing = Vec::new();
        for id in &scope.orders {
            if found.contains_key(id) {
                continue;
            }
            match self.ask(&Request::to(&route::ORDER, &[id.as_str()])).await? {
                (404, _) => missing.push(id.clone()),
                (status, body) => {
                    let body = success(status, body)?;
                    let one: wire::OneOrder<'_> =
                        serde_json::from_slice(&body).map_err(|error| error.to_string())?;
                    let order = normal::order_row(one.order).map_err(|error| error.to_string())?;
                    found.insert(id.clone(), order);
                }
            }
        }
        Ok((found.into_values().collect(), missing))
    }

    /// Reads all markets that `query` selects.
    pub(crate) async fn markets(&self, query: &str) -> Result<Vec<Market>, String> {
        let markets = page_of!(MarketsPage, normal::market);
        self.pages(&route::MARKETS, query, markets).await
    }

    /// Reads whole books in one request. One the venue does not know is missing in the answer. When the budget is short
    /// nothing is read: a sample is worth less than whatever else waits.
    pub(crate) async fn books(&self, tickers: &[Ticker]) -> Result<Vec<BookSample>, String> {
        let query: Vec<String> =
            tickers.iter().map(|ticker| format!("tickers={}", escaped(ticker.as_str()))).collect();
        let request = Request::to(&route::ORDERBOOKS, &[]).query(query.join("&"));
        let (status, body) = self.once(&request, SAMPLE_PATIENCE_MS).await?;
        let body = success(status, body).map_err(|error| format!("{}: {error}", request.path))?;
        let page: wire::Books<'_> = serde_json::from_slice(&body).map_err(|error| error.to_string())?;
        Ok(page.orderbooks.unwrap_or_default().into_iter().map(normal::book).collect())
    }

    pub(crate) fn now(&self) -> WallTime {
        self.rest.now().wall
    }

    async fn balance(&self) -> Result<outrigger_engine::venue::VenueBalance, String> {
        let (status, body) = self.ask(&Request::to(&route::BALANCE, &[])).await?;
        let body = success(status, body)?;
        let body = serde_json::from_slice(&body).map_err(|error| error.to_string())?;
        normal::balance(body).map_err(|error| error.to_string())
    }

    /// Reads every page of a list. One that breaks off or leads in circles is an error, never a shorter list. A page without
    /// rows is not the end: other lists may share the cursor, as positions of markets and of events do.
    pub(crate) async fn pages<T>(
        &self,
        route: &'static Route,
        query: &str,
        read: impl Fn(&[u8]) -> Result<(Vec<T>, Option<String>), String>,
    ) -> Result<Vec<T>, String> {
        match self.first_pages(route, query, PAGES_MAX, read).await? {
            (all, true) => Ok(all),
            (_, false) => Err(format!("{}: more than {PAGES_MAX} pages", route.name)),
        }
    }

    /// Reads at most `pages_max` pages of a list; tells whether that was all of it.
    pub(super) async fn first_pages<T>(
        &self,
        route: &'static Route,
        query: &str,
        pages_max: u32,
        read: impl Fn(&[u8]) -> Result<(Vec<T>, Option<String>), String>,
    ) -> Result<(Vec<T>, bool), String> {
        let mut all = Vec::new();
        let mut cursor = String::new();
        for _ in 0..pages_max {
            let mut parts = vec![format!("limit={PAGE_LIMIT}")];
            parts.extend((!query.is_empty()).then(|| query.to_owned()));
            parts.extend((!cursor.is_empty()).then(|| format!("cursor={}", escaped(&cursor))));
            let body = self.get(route, &parts.join("&")).await?;
            let (rows, next) = read(&body).map_err(|error| format!("{}: {error}", route.name))?;
            all.extend(rows);
            match next.filter(|next| !next.is_empty()) {
                None => return Ok((all, true)),
                // A cursor the venue does not understand is answered with page one again, for ever.
                Some(next) if next == cursor => {
                    return Err(format!("{}: the pages lead in circles", route.name));
                }
                Some(next) => cursor = next,
            }
        }
        Ok((all, false))
    }

    pub(crate) async fn get(&self, route: &'static Route, query: &str) -> Result<bytes::Bytes, String> {
        let (status, body) = self.ask(&Request::to(route, &[]).query(query)).await?;
        success(status, body).map_err(|error| format!("{}: {error}", route.name))
    }

    /// Sends a read until the venue's limiter lets it through; its budget learns from each 429.
    async fn ask(&self, request: &Request) -> Result<(u16, bytes::Bytes), String> {
        for _ in 0..THROTTLED_MAX {
            let (status, body) = self.once(request, PATIENCE_MS).await?;
            if status != 429 {
                return Ok((status, body));
            }
        }
        Err(format!("{}: the exchange's rate limit, {THROTTLED_MAX} times in a row", request.route.name))
    }

    /// Sends a request once there are tokens for it.
    async fn once(&self, request: &Request, patience_ms: u64) -> Result<(u16, bytes::Bytes), String> {
        let told = |error: &dyn std::fmt::Display| format!("{}: {error}", request.route.name);
        let grant = self.rest.ask(self.lane, Client::own(), request, patience_ms);
        let permit = grant.wait().await.map_err(|error| told(&error))?;
        let answer = self.rest.send(request, permit).await.map_err(|error| told(&error))?;
        Ok((answer.status, answer.body))
    }
}

fn success(status: u16, body: bytes::Bytes) -> Result<bytes::Bytes, String> {
    match status {
        200..=299 => Ok(body),
        401 => Err(explain_unauthorized(&venue_error(&body))),
        _ => {
            let error = venue_error(&body);
            Err(format!("{status} {}: {}", error.code, error.message))
        }
    }
}

/// The venue filters by whole Unix seconds.
pub(super) fn since_query(since: Option<VenueTime>) -> String {
    since.map_or_else(String::new, |since| format!("min_ts={}", since.0.div_euclid(1_000)))
}

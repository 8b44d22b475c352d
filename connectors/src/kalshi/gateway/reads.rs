//! Reading the account back: complete, or not at all.

use std::borrow::Cow;
use std::sync::Arc;

use outrigger_engine::domain::{Market, VenueOrderId, VenueTime, WallTime};
use outrigger_engine::venue::{ReportScope, VenueOrder, VenueReport};

use super::client::{Request, Rest};
use crate::kalshi::budget::{BucketId, Budget, Charge, Lane};
use crate::kalshi::normalize::rest as normal;
use crate::kalshi::outcome::{explain_unauthorized, venue_error};
use crate::kalshi::wire::rest as wire;
use crate::kalshi::wire::rest::Page as _;

const PAGE_LIMIT: u32 = 1_000;
/// More pages than any account has; a cursor that never ends is an error, not a loop.
const PAGES_MAX: u32 = 2_000;
const PATIENCE_MS: u64 = 20_000;
const READ_COST: u32 = 10;
const ONE_ORDER_COST: u32 = 2;
/// Repeats of a read the venue's limiter refused.
const THROTTLED_MAX: u32 = 5;

/// Reads through the budget's lane for reconciliation.
pub(crate) struct Reads {
    rest: Arc<Rest>,
    budget: Budget,
}

/// Makes the function that reads one page of a list: rows by `$row`, and the cursor of the next page.
macro_rules! page_of {
    ($page:ident, $row:path) => {
        |body: &[u8]| {
            let page: wire::$page<'_> = serde_json::from_slice(body).map_err(|error| error.to_string())?;
            let (rows, cursor) = page.into_parts();
            let rows = rows
                .into_iter()
                .map($row)
                .collect::<Result<Vec<_>, _>>()
                .map_err(|error| error.to_string())?;
            Ok((rows, cursor.map(Cow::into_owned)))
        }
    };
}

impl Reads {
    pub(crate) fn new(rest: Arc<Rest>, budget: Budget) -> Reads {
        Reads { rest, budget }
    }

    /// Reads everything `scope` asks for. Any failure on the way fails the whole report.
    pub(super) async fn report(&self, scope: ReportScope) -> Result<VenueReport, String> {
        let started = self.rest.now().wall;
        // First of all: what is read after it is at least this fresh.
        let body = self.get("user_data_timestamp", "/exchange/user_data_timestamp", "", READ_COST).await?;
        let as_of = serde_json::from_slice(&body).map_err(|error| error.to_string())?;
        let as_of = normal::as_of(as_of).map_err(|error| error.to_string())?;
        let since = since_query(scope.since);
        let orders = page_of!(OrdersPage, normal::order_row);
        let mut found = self.pages("orders", "/portfolio/orders", &since, orders).await?;
        if scope.since.is_some() {
            found.extend(self.pages("orders", "/portfolio/orders", "status=resting", orders).await?);
        }
        let orders_not_found = self.single_orders(&scope, &mut found).await?;
        let fills = page_of!(FillsPage, normal::fill_row);
        let fills = self.pages("fills", "/portfolio/fills", &since, fills).await?;
        let positions = page_of!(PositionsPage, normal::position_row);
        let positions = self.pages("positions", "/portfolio/positions", "", positions).await?;
        let settlements = page_of!(SettlementsPage, normal::settlement_row);
        let settlements = self.pages("settlements", "/portfolio/settlements", &since, settlements).await?;
        let balance = self.balance().await?;
        Ok(VenueReport {
            scope,
            started,
            as_of,
            orders: found,
            orders_not_found,
            fills,
            positions,
            settlements,
            balance,
        })
    }

    /// Reads the orders asked for by id that no list held.
    async fn single_orders(
        &self,
        scope: &ReportScope,
        found: &mut Vec<VenueOrder>,
    ) -> Result<Vec<VenueOrderId>, String> {
        let mut missing = Vec::new();
        for id in &scope.orders {
            if found.iter().any(|order| order.venue_order_id == *id) {
                continue;
            }
            let path = format!("/portfolio/orders/{id}");
            match self.try_get("order", &path, "", ONE_ORDER_COST, BucketId::Read).await? {
                (404, _) => missing.push(id.clone()),
                (status, body) => {
                    let body = success(status, body)?;
                    let one: wire::OneOrder<'_> =
                        serde_json::from_slice(&body).map_err(|error| error.to_string())?;
                    found.push(normal::order_row(one.order).map_err(|error| error.to_string())?);
                }
            }
        }
        Ok(missing)
    }

    /// Reads all markets that `query` selects.
    pub(crate) async fn markets(&self, query: &str) -> Result<Vec<Market>, String> {
        let markets = page_of!(MarketsPage, normal::market);
        self.pages("markets", "/markets", query, markets).await
    }

    pub(crate) fn now(&self) -> WallTime {
        self.rest.now().wall
    }

    async fn balance(&self) -> Result<outrigger_engine::venue::VenueBalance, String> {
        let (status, body) = self.try_get("balance", "/portfolio/balance", "", 1, BucketId::Balance).await?;
        let body = success(status, body)?;
        let body = serde_json::from_slice(&body).map_err(|error| error.to_string())?;
        normal::balance(body).map_err(|error| error.to_string())
    }

    /// Reads every page of a list.
    pub(crate) async fn pages<T>(
        &self,
        route: &'static str,
        path: &str,
        query: &str,
        read: impl Fn(&[u8]) -> Result<(Vec<T>, Option<String>), String>,
    ) -> Result<Vec<T>, String> {
        let mut all = Vec::new();
        let mut cursor = String::new();
        for _ in 0..PAGES_MAX {
            let mut parts = vec![format!("limit={PAGE_LIMIT}")];
            parts.extend((!query.is_empty()).then(|| query.to_owned()));
            parts.extend((!cursor.is_empty()).then(|| format!("cursor={cursor}")));
            let body = self.get(route, path, &parts.join("&"), READ_COST).await?;
            let (rows, next) = read(&body).map_err(|error| format!("{path}: {error}"))?;
            let is_empty = rows.is_empty();
            all.extend(rows);
            match next.filter(|next| !next.is_empty()) {
                // A repeated cursor would read the first page again for ever.
                Some(next) if next != cursor && !is_empty => cursor = next,
                _ => return Ok(all),
            }
        }
        Err(format!("{path}: the list does not end"))
    }

    pub(crate) async fn get(
        &self,
        route: &'static str,
        path: &str,
        query: &str,
        cost: u32,
    ) -> Result<bytes::Bytes, String> {
        let (status, body) = self.try_get(route, path, query, cost, BucketId::Read).await?;
        success(status, body).map_err(|error| format!("{path}: {error}"))
    }

    async fn try_get(
        &self,
        route: &'static str,
        path: &str,
        query: &str,
        tokens: u32,
        bucket: BucketId,
    ) -> Result<(u16, bytes::Bytes), String> {
        let charge = Charge { bucket, tokens };
        let request = Request::get(route, path, query);
        for _ in 0..THROTTLED_MAX {
            let granted = self.budget.request(Lane::Reconcile, charge, PATIENCE_MS).wait().await;
            granted.map_err(|error| error.to_string())?;
            let answer = self.rest.send(&request).await.map_err(|error| format!("{path}: {error}"))?;
            if answer.status != 429 {
                return Ok((answer.status, answer.body));
            }
            self.budget.throttled(bucket);
        }
        Err(format!("{path}: the exchange's rate limit, {THROTTLED_MAX} times in a row"))
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
fn since_query(since: Option<VenueTime>) -> String {
    since.map_or_else(String::new, |since| format!("min_ts={}", since.0.div_euclid(1_000)))
}

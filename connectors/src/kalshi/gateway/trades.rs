//! Reading public trades back after a break: bounded, in the background, and honest about what it left out.

use std::collections::BTreeSet;

use outrigger_engine::domain::{Ticker, VenueTime};
use outrigger_engine::venue::{PublicTrade, TradesReport, TradesScope};

use super::client::escaped;
use super::reads::{Reads, page_of, since_query};
use super::route;
use crate::kalshi::normalize::rest as normal;

/// Pages one back-fill may read, a thousand trades each: at the lowest tier some ten seconds of the background's share.
const PAGES_MAX: u32 = 100;
/// Up to this many markets are asked for one by one; more are picked out of the trades of all markets.
const TICKERS_ONE_BY_ONE: usize = 32;

impl Reads {
    /// Reads the trades of a scope, newest pages first, within the bound. Any failure on the way fails the whole read.
    pub(super) async fn trades(&self, scope: TradesScope) -> Result<TradesReport, String> {
        let since = since_query(Some(scope.since));
        let mut trades = Vec::new();
        let mut cut_before = None;
        if scope.tickers.len() <= TICKERS_ONE_BY_ONE {
            let count = u32::try_from(scope.tickers.len()).unwrap_or(1).max(1);
            for ticker in &scope.tickers {
                let query = format!("{since}&ticker={}", escaped(ticker.as_str()));
                let (rows, cut) = self.trade_pages(&query, PAGES_MAX / count).await?;
                trades.extend(rows);
                cut_before = cut_before.max(cut);
            }
        } else {
            let (rows, cut) = self.trade_pages(&since, PAGES_MAX).await?;
            let wanted: BTreeSet<&Ticker> = scope.tickers.iter().collect();
            trades.extend(rows.into_iter().filter(|trade| wanted.contains(&trade.ticker)));
            cut_before = cut;
        }
        // Each list came newest first; sorting keeps its order among trades of the same moment.
        trades.reverse();
        trades.sort_by_key(|trade| trade.ts_ms);
        Ok(TradesReport { scope, trades, cut_before })
    }

    /// Returns rows newest first, and the oldest row's time if there are older ones.
    async fn trade_pages(
        &self,
        query: &str,
        pages_max: u32,
    ) -> Result<(Vec<PublicTrade>, Option<VenueTime>), String> {
        let read = page_of!(TradesPage, normal::trade_row);
        let (rows, is_whole) = self.first_pages(&route::TRADES, query, pages_max, read).await?;
        let oldest = rows.iter().map(|trade| trade.ts_ms).min().filter(|_| !is_whole);
        Ok((rows, oldest))
    }
}

//! The markets known right now. Written by whoever reads them from the venue, read by anyone.

use std::collections::BTreeMap;

use parking_lot::RwLock;

use super::ids::Ticker;
use super::market::{Market, MarketStatus};

/// All markets by ticker.
#[derive(Debug, Default)]
pub struct Catalog {
    markets: RwLock<BTreeMap<Ticker, Market>>,
}

impl Catalog {
    pub fn get(&self, ticker: &str) -> Option<Market> {
        self.markets.read().get(ticker).cloned()
    }

    /// Returns every market whose ticker sorts after `after`, at most `limit`.
    pub fn page(&self, after: Option<&str>, limit: usize, keep: impl Fn(&Market) -> bool) -> Vec<Market> {
        let markets = self.markets.read();
        let later = markets.iter().filter(|(ticker, _)| after.is_none_or(|after| ticker.as_str() > after));
        later.map(|(_, market)| market).filter(|market| keep(market)).take(limit).cloned().collect()
    }

    pub fn len(&self) -> usize {
        self.markets.read().len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Adds or replaces markets; returns the tickers that were not known before.
    pub fn put(&self, markets: impl IntoIterator<Item = Market>) -> Vec<Ticker> {
        let mut known = self.markets.write();
        let mut added = Vec::new();
        for market in markets {
            let ticker = market.ticker.clone();
            if known.insert(ticker.clone(), market).is_none() {
                added.push(ticker);
            }
        }
        added
    }

    /// Records a status change the stream announced.
    pub fn set_status(&self, ticker: &str, status: MarketStatus, result: Option<&str>) {
        if let Some(market) = self.markets.write().get_mut(ticker) {
            market.status = status;
            if let Some(result) = result {
                market.result = result.to_owned();
            }
        }
    }
}

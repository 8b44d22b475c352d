//! The markets known right now. Written by whoever reads them from the venue, read by anyone.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use parking_lot::RwLock;

use super::ids::Ticker;
use super::market::{Market, MarketStatus};

/// Tickers the venue was asked about and does not know; beyond this many the first are forgotten.
const ABSENT_MAX: usize = 4_096;

/// All markets by ticker.
#[derive(Debug, Default)]
pub struct Catalog {
    markets: RwLock<BTreeMap<Ticker, Market>>,
    absent: RwLock<BTreeSet<Ticker>>,
    version: AtomicU64,
}

/// What the catalogue knows of a ticker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// It is in no list that was read; the venue may still know it.
    Unread,
    /// The venue was asked and does not know it.
    Absent,
    /// It trades, or is paused.
    Tradable,
    /// It exists and does not trade: not open yet, or closed and not settled.
    Closed,
    /// It is settled; nothing more will happen in it.
    Over,
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
        drop(known);
        let mut absent = self.absent.write();
        for ticker in added.iter().filter(|_| !absent.is_empty()).collect::<Vec<_>>() {
            absent.remove(ticker);
        }
        drop(absent);
        self.version.fetch_add(1, Relaxed);
        added
    }

    /// Records that the venue does not know `tickers`.
    pub fn put_absent(&self, tickers: impl IntoIterator<Item = Ticker>) {
        let mut absent = self.absent.write();
        absent.extend(tickers);
        while absent.len() > ABSENT_MAX {
            absent.pop_first();
        }
        drop(absent);
        self.version.fetch_add(1, Relaxed);
    }

    pub fn presence(&self, ticker: &str) -> Presence {
        match self.markets.read().get(ticker).map(|market| market.status) {
            Some(MarketStatus::Active | MarketStatus::Inactive) => Presence::Tradable,
            Some(MarketStatus::Finalized) => Presence::Over,
            Some(
                MarketStatus::Initialized
                | MarketStatus::Closed
                | MarketStatus::Determined
                | MarketStatus::Disputed
                | MarketStatus::Amended
                | MarketStatus::Unknown,
            ) => Presence::Closed,
            None if self.absent.read().contains(ticker) => Presence::Absent,
            None => Presence::Unread,
        }
    }

    /// Tells whether orders match in the market right now: it is neither paused nor closed.
    pub fn is_active(&self, ticker: &str) -> bool {
        self.markets.read().get(ticker).is_some_and(|market| market.status == MarketStatus::Active)
    }

    /// Returns the tickers of all markets that trade or are paused.
    pub fn tradable(&self) -> Vec<Ticker> {
        let is_tradable =
            |market: &&Market| matches!(market.status, MarketStatus::Active | MarketStatus::Inactive);
        self.markets.read().values().filter(is_tradable).map(|market| market.ticker.clone()).collect()
    }

    /// Returns a number that rises whenever something here changes.
    pub fn version(&self) -> u64 {
        self.version.load(Relaxed)
    }

    /// Records a status change the stream announced.
    pub fn set_status(&self, ticker: &str, status: MarketStatus, result: Option<&str>) {
        if let Some(market) = self.markets.write().get_mut(ticker) {
            market.status = status;
            if let Some(result) = result {
                market.result = result.to_owned();
            }
        }
        self.version.fetch_add(1, Relaxed);
    }
}

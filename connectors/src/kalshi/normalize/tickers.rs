//! Tickers seen before are shared instead of made anew for every frame.

use std::collections::HashSet;

use foldhash::fast::FixedState;
use outrigger_engine::domain::Ticker;

/// Far above any number of markets on one connection; beyond it everything is forgotten, and costs one allocation again.
const TICKERS_MAX: usize = 65_536;

#[derive(Debug, Default)]
pub(crate) struct Tickers(HashSet<Ticker, FixedState>);

impl Tickers {
    /// Returns the ticker with this text.
    pub(crate) fn get(&mut self, text: &str) -> Ticker {
        if let Some(known) = self.0.get(text) {
            return known.clone();
        }
        if self.0.len() >= TICKERS_MAX {
            self.0.clear();
        }
        let ticker = Ticker::from(text);
        self.0.insert(ticker.clone());
        ticker
    }
}

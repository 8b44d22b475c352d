//! Pauses of trading and of the whole exchange.
//!
//! In a trading pause orders can be cancelled but not placed or amended; in an exchange pause nothing can. Resting
//! orders stay, except those that asked to be cancelled.

use std::sync::Arc;

use super::Venue;
use super::refusal::Refusal;

impl Venue {
    /// Pauses or resumes trading.
    pub fn set_trading_paused(&mut self, paused: bool, now_us: i64) {
        self.trading_paused = paused;
        self.cancel_on_pause(paused, now_us);
    }

    /// Pauses or resumes the whole exchange.
    pub fn set_exchange_paused(&mut self, paused: bool, now_us: i64) {
        self.exchange_paused = paused;
        self.cancel_on_pause(paused, now_us);
    }

    /// Tells whether orders may be placed and amended.
    pub(super) fn trading_allowed(&self) -> Result<(), Refusal> {
        match (self.exchange_paused, self.trading_paused) {
            (true, _) => Err(Refusal::exchange_paused()),
            (false, true) => Err(Refusal::trading_paused()),
            (false, false) => Ok(()),
        }
    }

    fn cancel_on_pause(&mut self, paused: bool, now_us: i64) {
        if !self.trading_paused && !self.exchange_paused {
            self.hours.resume_us = None;
        }
        if paused {
            let tickers: Vec<Arc<str>> = self.markets.keys().cloned().collect();
            tickers.iter().for_each(|ticker| self.cancel_resting(ticker, "HaltCancel", true, now_us));
        }
    }
}

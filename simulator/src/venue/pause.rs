//! Pauses: of one market, of trading, of the whole exchange.
//!
//! In a trading pause orders can be cancelled but not placed or amended; in an exchange pause nothing can. Resting
//! orders stay, except those that asked to be cancelled. A market that resumes loses all its resting orders.

use std::sync::Arc;

use super::Venue;
use super::event::LifecycleKind;
use super::lifecycle::lifecycle;
use super::market::Status;
use super::refusal::Refusal;

impl Venue {
    /// Pauses an active market.
    pub fn pause_market(&mut self, ticker: &str, now_us: i64) -> Result<(), Refusal> {
        self.change_status(ticker, Status::Active, Status::Inactive, LifecycleKind::Deactivated, now_us)?;
        self.cancel_resting(ticker, "HaltCancel", true, now_us);
        Ok(())
    }

    /// Resumes a paused market; all its resting orders are cancelled first.
    pub fn resume_market(&mut self, ticker: &str, now_us: i64) -> Result<(), Refusal> {
        if self.market(ticker).is_some_and(|market| market.status == Status::Inactive) {
            self.cancel_resting(ticker, "HaltCancel", false, now_us);
        }
        self.change_status(ticker, Status::Inactive, Status::Active, LifecycleKind::Activated, now_us)
    }

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
        if paused {
            let tickers: Vec<Arc<str>> = self.markets.keys().cloned().collect();
            tickers.iter().for_each(|ticker| self.cancel_resting(ticker, "HaltCancel", true, now_us));
        }
    }

    fn change_status(
        &mut self,
        ticker: &str,
        from: Status,
        to: Status,
        kind: LifecycleKind,
        now_us: i64,
    ) -> Result<(), Refusal> {
        let market = self.market_mut(ticker)?;
        if market.status != from {
            return Err(Refusal::market_not_active());
        }
        market.status = to;
        market.updated_us = now_us;
        let event = lifecycle(market, kind, now_us);
        self.events.push(event);
        Ok(())
    }
}

//! The archive: rows older than a cutoff leave the live lists and are found in the historical ones only.
//!
//! What is not finished never leaves: resting orders, markets that are not paid out, their positions.

use super::Venue;
use super::market::Market;
use super::order::{Order, OrderStatus};

/// Two weeks, as at the exchange.
pub const HISTORY_AFTER_US: i64 = 14 * 24 * 60 * 60 * 1_000_000;

/// Where the archive ends and the live lists begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cutoff {
    pub at_us: i64,
}

impl Cutoff {
    /// Tells whether something that happened once, a trade or a fill, is archived.
    pub fn has(self, ts_us: i64) -> bool {
        ts_us < self.at_us
    }

    pub fn has_market(self, market: &Market) -> bool {
        market.settled_us.is_some_and(|at_us| self.has(at_us))
    }

    pub fn has_order(self, order: &Order) -> bool {
        order.status != OrderStatus::Resting && self.has(order.updated_us)
    }

    /// Tells whether positions in a market are archived: all markets of an event move together.
    pub fn has_positions(self, venue: &Venue, ticker: &str) -> bool {
        let Some(market) = venue.market(ticker) else { return false };
        let of_event = |other: &&Market| other.listing.event_ticker == market.listing.event_ticker;
        venue.markets.values().filter(of_event).all(|market| self.has_market(market))
    }
}

impl Venue {
    pub fn cutoff(&self, now_us: i64) -> Cutoff {
        Cutoff { at_us: now_us.saturating_sub(self.history_after_us) }
    }

    /// Finds a market that is not archived.
    pub fn live_market(&self, ticker: &str, now_us: i64) -> Option<&Market> {
        self.market(ticker).filter(|market| !self.cutoff(now_us).has_market(market))
    }
}

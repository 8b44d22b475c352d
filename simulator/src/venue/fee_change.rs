//! Changes of fees at a time: of a series, of an event over its series, and waivers of a market.
//!
//! What is in force when a trade happens counts. An event's terms go before those of its series; a waiver before both.

use std::sync::Arc;

use super::Venue;
use super::event::{EventFee, VenueEvent};
use super::fees::FeeSchedule;
use super::market::Market;

/// Whose fees change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FeeScope {
    Series,
    Event,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeeChange {
    pub id: Arc<str>,
    pub scope: FeeScope,
    /// Of the series or the event.
    pub ticker: String,
    /// None ends what an event has of its own.
    pub fees: Option<FeeSchedule>,
    pub at_us: i64,
    is_applied: bool,
}

impl Venue {
    /// Announces a change of fees; it comes into force by itself.
    pub fn schedule_fee_change(
        &mut self,
        scope: FeeScope,
        ticker: &str,
        fees: Option<FeeSchedule>,
        at_us: i64,
    ) {
        let (id, ticker) = (self.dice.uuid().into(), ticker.to_owned());
        self.fee_changes.push(FeeChange { id, scope, ticker, fees, at_us, is_applied: false });
        self.fee_changes.sort_by_key(|change| change.at_us);
    }

    /// Lets a market trade without fees until a time.
    pub fn waive_fees(&mut self, ticker: &str, until_us: i64, now_us: i64) {
        if let Some(market) = self.markets.get_mut(ticker) {
            market.fee_waiver_until_us = Some(until_us);
            market.updated_us = now_us;
        }
    }

    pub(crate) fn apply_fee_changes(&mut self, now_us: i64) {
        let due = |change: &FeeChange| !change.is_applied && change.at_us <= now_us;
        while let Some(change) = self.fee_changes.iter_mut().find(|change| due(change)) {
            change.is_applied = true;
            let change = change.clone();
            for market in self.markets.values_mut() {
                change.apply(market);
            }
            self.retie_all();
            if change.scope == FeeScope::Event {
                let event_ticker = change.ticker.as_str().into();
                self.events
                    .push(VenueEvent::EventFee(Box::new(EventFee { event_ticker, fees: change.fees })));
            }
        }
    }

    /// Puts the terms in force on a market that is listed only now.
    pub(super) fn inherit_fees(&self, market: &mut Market) {
        self.fee_changes.iter().filter(|change| change.is_applied).for_each(|change| change.apply(market));
    }

    /// Returns what an event has of its own.
    pub fn event_fees(&self, event_ticker: &str) -> Option<FeeSchedule> {
        let of_event = |change: &&FeeChange| {
            change.is_applied && change.scope == FeeScope::Event && change.ticker == event_ticker
        };
        self.fee_changes.iter().rfind(of_event)?.fees
    }
}

impl FeeChange {
    fn apply(&self, market: &mut Market) {
        match self.scope {
            FeeScope::Series if market.listing.series_ticker == self.ticker => {
                market.listing.fees = self.fees.unwrap_or(market.listing.fees);
            }
            FeeScope::Event if market.listing.event_ticker == self.ticker => market.event_fees = self.fees,
            FeeScope::Series | FeeScope::Event => {}
        }
    }
}

impl Market {
    /// Returns the terms without any waiver.
    pub fn fees(&self) -> FeeSchedule {
        self.event_fees.unwrap_or(self.listing.fees)
    }

    /// Returns the terms of a trade at a time.
    pub fn fees_at(&self, now_us: i64) -> FeeSchedule {
        let fees = self.fees();
        match self.fee_waiver_until_us {
            Some(until_us) if now_us < until_us => FeeSchedule { multiplier: 0, ..fees },
            _ => fees,
        }
    }
}

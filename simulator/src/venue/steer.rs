//! Moves a market's life by hand: the same steps as by time, each with what it needs to have happened before.

use std::sync::Arc;

use super::Venue;
use super::event::LifecycleKind;
use super::lifecycle::lifecycle;
use super::market::{Outcome, Status};
use super::refusal::Refusal;
use super::units::DOLLAR;

/// A step; the outcome is as planned unless `yes` is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Steer {
    Pause,
    Resume,
    Close,
    Determine(Option<bool>),
    Settle(Option<bool>),
}

impl Venue {
    /// Takes a step. A market that has not opened yet cannot be moved; one that is past a step is refused it.
    pub fn steer(&mut self, ticker: &str, step: Steer, now_us: i64) -> Result<(), Refusal> {
        match step {
            Steer::Pause => self.pause_market(ticker, now_us),
            Steer::Resume => self.resume_market(ticker, now_us),
            Steer::Close => self.close_market(ticker, now_us),
            Steer::Determine(yes) => self.determine_market(ticker, yes, now_us),
            Steer::Settle(yes) => {
                let market = self.market_mut(ticker)?;
                if market.status != Status::Determined {
                    self.determine_market(ticker, yes, now_us)?;
                } else if yes.is_some() {
                    return Err(Refusal::bad_request("the market has its result already"));
                }
                self.enter(&Arc::from(ticker), Status::Finalized, now_us);
                Ok(())
            }
        }
    }

    /// Closes an open market now; subscribers are told of its new close.
    fn close_market(&mut self, ticker: &str, now_us: i64) -> Result<(), Refusal> {
        let market = self.market_mut(ticker)?;
        if !matches!(market.status, Status::Active | Status::Inactive) {
            return Err(Refusal::market_not_active());
        }
        market.listing.close_us = now_us;
        let moved = LifecycleKind::CloseDateUpdated { close_ts: now_us / 1_000_000 };
        let event = lifecycle(market, moved, now_us);
        self.events.push(event);
        self.enter(&Arc::from(ticker), Status::Closed, now_us);
        Ok(())
    }

    fn determine_market(&mut self, ticker: &str, yes: Option<bool>, now_us: i64) -> Result<(), Refusal> {
        if self.market_mut(ticker)?.status != Status::Closed {
            self.close_market(ticker, now_us)?;
        }
        if let Some(yes) = yes {
            let (result, value) = if yes { ("yes", DOLLAR) } else { ("no", 0) };
            self.market_mut(ticker)?.listing.outcome = Outcome { result, value };
        }
        self.enter(&Arc::from(ticker), Status::Determined, now_us);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::venue::fees::{FeeKind, FeeSchedule};
    use crate::venue::grid::LINEAR_CENT;
    use crate::venue::market::Listing;

    fn venue() -> Venue {
        let mut venue = Venue::new(1);
        venue.open_account(false, BTreeMap::from([(0, 1_000_000)]));
        let listing = Listing {
            ticker: "A".to_owned(),
            event_ticker: "E".to_owned(),
            series_ticker: "S".to_owned(),
            event_title: String::new(),
            title: String::new(),
            yes_sub_title: String::new(),
            exchange_index: 0,
            grid: LINEAR_CENT,
            fees: FeeSchedule { kind: FeeKind::Quadratic, multiplier: 1_000 },
            open_us: 0,
            close_us: 1_000_000_000,
            settlement_timer_s: 10,
            outcome: Outcome { result: "no", value: 0 },
            first_price: 5_000,
        };
        venue.list(listing, 0);
        venue.advance(0);
        venue.take_events();
        venue
    }

    fn kinds(venue: &mut Venue) -> Vec<&'static str> {
        let kind = |event: crate::venue::event::VenueEvent| match event {
            crate::venue::event::VenueEvent::Lifecycle(lifecycle) => Some(lifecycle.kind.event_type()),
            _ => None,
        };
        venue.take_events().into_iter().filter_map(kind).collect()
    }

    #[test]
    fn a_step_brings_those_before_it_and_none_happens_twice() {
        let mut venue = venue();
        venue.steer("A", Steer::Settle(Some(true)), 5).unwrap();
        assert_eq!(kinds(&mut venue), ["close_date_updated", "determined", "settled"]);
        let market = venue.market("A").unwrap();
        assert_eq!((market.status, market.listing.outcome.result), (Status::Finalized, "yes"));
        for step in [Steer::Pause, Steer::Close, Steer::Determine(None), Steer::Settle(None)] {
            assert!(venue.steer("A", step, 6).is_err(), "{step:?}");
        }
        assert!(venue.steer("B", Steer::Close, 6).is_err());
        venue.advance(2_000_000_000);
        assert!(kinds(&mut venue).is_empty());
    }

    #[test]
    fn a_closed_market_goes_on_by_time() {
        let mut venue = venue();
        venue.steer("A", Steer::Close, 5).unwrap();
        assert_eq!(kinds(&mut venue), ["close_date_updated"]);
        venue.advance(5_000_005);
        assert_eq!(kinds(&mut venue), ["determined"]);
    }
}

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
        let (id, ticker) = (self.dice.uuid(), ticker.to_owned());
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
            self.put_in_force(&change, now_us);
            if change.scope == FeeScope::Event {
                let event_ticker = change.ticker.as_str().into();
                self.events
                    .push(VenueEvent::EventFee(Box::new(EventFee { event_ticker, fees: change.fees })));
            }
        }
    }

    /// Changes the markets that are concerned, and counts anew what their resting orders could cost.
    fn put_in_force(&mut self, change: &FeeChange, now_us: i64) {
        let concerned = self.markets.values().filter(|market| change.concerns(market));
        let tickers: Vec<Arc<str>> = concerned.map(|market| Arc::clone(&market.ticker)).collect();
        for ticker in tickers {
            let Some(market) = self.markets.get_mut(&ticker) else { continue };
            change.apply(market);
            let shard = market.listing.exchange_index;
            for account in 0..self.accounts.len() {
                if self.accounts.get(account).is_some_and(|holder| holder.resting.contains_key(&ticker)) {
                    self.retie(account, &ticker);
                    self.cancel_unpayable(account, shard, now_us);
                }
            }
        }
    }

    /// Puts the terms in force on a market that is listed only now.
    pub(super) fn inherit_fees(&self, market: &mut Market) {
        let in_force = self.fee_changes.iter().filter(|change| change.is_applied && change.concerns(market));
        let in_force: Vec<&FeeChange> = in_force.collect();
        in_force.into_iter().for_each(|change| change.apply(market));
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
    fn concerns(&self, market: &Market) -> bool {
        match self.scope {
            FeeScope::Series => market.listing.series_ticker == self.ticker,
            FeeScope::Event => market.listing.event_ticker == self.ticker,
        }
    }

    fn apply(&self, market: &mut Market) {
        match self.scope {
            FeeScope::Series => market.listing.fees = self.fees.unwrap_or(market.listing.fees),
            FeeScope::Event => market.event_fees = self.fees,
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::venue::event::Side;
    use crate::venue::fees::FeeKind;
    use crate::venue::grid::LINEAR_CENT;
    use crate::venue::market::{Listing, Outcome};
    use crate::venue::order::{NewOrder, SelfTradePrevention, TimeInForce};

    const QUADRATIC: FeeSchedule = FeeSchedule { kind: FeeKind::Quadratic, multiplier: 1_000 };

    fn listing() -> Listing {
        Listing {
            ticker: "S-E-M".to_owned(),
            event_ticker: "S-E".to_owned(),
            series_ticker: "S".to_owned(),
            event_title: String::new(),
            title: String::new(),
            yes_sub_title: String::new(),
            exchange_index: 0,
            grid: LINEAR_CENT,
            fees: QUADRATIC,
            open_us: 0,
            close_us: 1_000,
            settlement_timer_s: 1,
            can_close_early: true,
            outcome: Outcome { result: "no", value: 0 },
            first_price: 5_000,
        }
    }

    fn bid(price: i64) -> NewOrder {
        NewOrder {
            ticker: "S-E-M".to_owned(),
            client_order_id: None,
            side: Side::Bid,
            price,
            count: 1_000,
            time_in_force: TimeInForce::GoodTillCanceled,
            self_trade_prevention: SelfTradePrevention::TakerAtCross,
            post_only: false,
            reduce_only: false,
            cancel_order_on_pause: false,
            expiration_time: None,
            subaccount: 0,
            order_group_id: None,
            exchange_index: None,
        }
    }

    #[test]
    fn resting_orders_are_counted_with_the_new_fees_and_cancelled_if_they_cost_too_much() {
        let mut venue = Venue::new(1);
        venue.list(listing(), 0);
        venue.advance(0);
        // Ten contracts at 0.50 and their fee of 0.175, twice.
        let member = venue.open_account(false, BTreeMap::from([(0, 10_350_000)]));
        for _ in 0..2 {
            venue.place(member, &bid(5_000), 1).unwrap();
        }
        assert_eq!(venue.free_cash(member, 0), 0);
        let half = FeeSchedule { multiplier: 500, ..QUADRATIC };
        venue.schedule_fee_change(FeeScope::Event, "S-E", Some(half), 2);
        venue.advance(2);
        assert_eq!(venue.free_cash(member, 0), 175_000);
        assert!(venue.ties_are_exact());
        venue.schedule_fee_change(
            FeeScope::Event,
            "S-E",
            Some(FeeSchedule { multiplier: 2_000, ..QUADRATIC }),
            3,
        );
        venue.advance(3);
        assert!(venue.ties_are_exact());
        assert_eq!(venue.free_cash(member, 0), 10_350_000 - 5_350_000, "the newest is gone");
    }
}

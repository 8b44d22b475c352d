//! The life of markets: silent open and close, determination, payout; expiry of orders.

use std::sync::Arc;

use super::Venue;
use super::account::{Position, Settlement};
use super::event::{EventCreated, Lifecycle, LifecycleKind, VenueEvent};
use super::market::{Listing, Market, Status};
use super::matching::position_event;
use super::order::OrderStatus;
use super::units::{Count, DOLLAR, Micros};

/// From close to determination.
const DETERMINATION_DELAY_US: i64 = 5_000_000;

impl Venue {
    /// Moves every market and order along to `now_us`. Opening and closing are silent on the stream.
    pub fn advance(&mut self, now_us: i64) {
        self.apply_fee_changes(now_us);
        self.expire_orders(now_us);
        self.advance_transfers(now_us);
        self.advance_communications(now_us);
        let due = self.markets.values().filter(|market| next_step(market, now_us).is_some());
        let tickers: Vec<Arc<str>> = due.map(|market| Arc::clone(&market.ticker)).collect();
        for ticker in tickers {
            while let Some(status) = self.markets.get(&ticker).and_then(|market| next_step(market, now_us)) {
                self.enter(&ticker, status, now_us);
            }
        }
    }

    fn expire_orders(&mut self, now_us: i64) {
        while let Some((at, number)) = self.expiring.first().copied()
            && at <= now_us
        {
            self.expiring.pop_first();
            // An amendment may have moved the expiry since: only the order's own time counts.
            let is_due = |order: &super::order::Order| {
                order.status == OrderStatus::Resting && order.expiration_us.is_some_and(|at| at <= now_us)
            };
            if self.orders.get(&number).is_some_and(is_due) {
                self.end(number, OrderStatus::Canceled, "ExpiryCancel", now_us);
            }
        }
    }

    pub(super) fn enter(&mut self, ticker: &Arc<str>, status: Status, now_us: i64) {
        if let Some(market) = self.markets.get_mut(ticker) {
            market.status = status;
            market.updated_us = now_us;
        }
        match status {
            Status::Closed => self.cancel_resting(ticker, "CloseCancel", false, now_us),
            Status::Determined => self.determine(ticker, now_us),
            Status::Finalized => self.settle(ticker, now_us),
            Status::Initialized | Status::Active | Status::Inactive => {}
        }
    }

    /// Cancels the resting orders of a market: all, or those that asked for it on a pause.
    pub(super) fn cancel_resting(
        &mut self,
        ticker: &str,
        reason: &'static str,
        on_pause_only: bool,
        now_us: i64,
    ) {
        let Some(market) = self.markets.get(ticker) else { return };
        let queues = market.bids.values().chain(market.asks.values());
        let concerned = |number: &u64| {
            self.orders.get(number).is_some_and(|order| !on_pause_only || order.cancel_order_on_pause)
        };
        let mut numbers: Vec<u64> = queues.flatten().copied().filter(concerned).collect();
        numbers.sort_unstable();
        for number in numbers {
            self.end(number, OrderStatus::Canceled, reason, now_us);
        }
    }

    fn determine(&mut self, ticker: &str, now_us: i64) {
        self.resolve_combo(ticker);
        let Some(market) = self.markets.get_mut(ticker) else { return };
        market.determined_us = Some(now_us);
        let outcome = market.listing.outcome;
        let kind = LifecycleKind::Determined {
            result: outcome.result,
            settlement_value: outcome.value,
            determination_ts: now_us / 1_000_000,
        };
        let event = lifecycle(market, kind, now_us);
        self.events.push(event);
    }

    /// Pays out: only net positions, fee zero on yes and no.
    fn settle(&mut self, ticker: &Arc<str>, now_us: i64) {
        let Some(market) = self.markets.get_mut(ticker) else { return };
        market.settled_us = Some(now_us);
        market.open_interest = 0;
        let (outcome, shard) = (market.listing.outcome, market.listing.exchange_index);
        let event_ticker: Arc<str> = market.listing.event_ticker.as_str().into();
        let announcement =
            lifecycle(market, LifecycleKind::Settled { settled_ts: now_us / 1_000_000 }, now_us);
        let mut settlements = Vec::new();
        for account in &mut self.accounts {
            let Some(position) = account.positions.get_mut(ticker).filter(|position| position.net != 0)
            else {
                continue;
            };
            let revenue = payout(position.net, outcome.value);
            *account.cash.entry(shard).or_insert(0) += revenue;
            let held = *position;
            let realized_pnl = held.realized_pnl + revenue - held.cost;
            let after = Position { net: 0, cost: 0, realized_pnl, updated_us: now_us, ..held };
            *position = after;
            account.updated_us = now_us;
            if account.has_credit {
                account.positions.remove(ticker);
                continue;
            }
            let (yes, no) = if held.net > 0 { (held.cost, 0) } else { (0, held.cost) };
            settlements.push((
                account.member,
                Settlement {
                    ticker: Arc::clone(ticker),
                    event_ticker: Arc::clone(&event_ticker),
                    exchange_index: shard,
                    result: outcome.result,
                    yes_count: held.net.max(0),
                    yes_cost: yes,
                    no_count: (-held.net).max(0),
                    no_cost: no,
                    revenue,
                    value: outcome.value,
                    settled_us: now_us,
                    subaccount: account.subaccount,
                },
            ));
            self.events.push(position_event(account.member, account.subaccount, ticker, &after));
        }
        for (member, settlement) in settlements {
            if let Some(primary) = self.accounts.get_mut(member) {
                primary.settlements.push(settlement);
            }
        }
        self.events.push(announcement);
    }

    /// Removes markets that were paid out before `older_than_us` and that no member ever held, so that a long run
    /// stays small.
    pub fn forget_settled(&mut self, older_than_us: i64) {
        let members: Vec<_> = self.accounts.iter().filter(|account| !account.has_credit).collect();
        self.markets.retain(|ticker, market| {
            market.settled_us.is_none_or(|at| at >= older_than_us)
                || members.iter().any(|member| member.positions.contains_key(ticker))
        });
    }
}

/// Returns what `net` contracts are paid when YES is worth `value`.
pub(super) fn payout(net: Count, value: i64) -> Micros {
    if net > 0 { net * value } else { -net * (DOLLAR - value) }
}

/// Returns the status a market must move to, if it is time.
fn next_step(market: &Market, now_us: i64) -> Option<Status> {
    let listing = &market.listing;
    let settles = |at: i64| at + listing.settlement_timer_s * 1_000_000;
    match market.status {
        Status::Initialized if now_us >= listing.open_us => Some(Status::Active),
        Status::Active | Status::Inactive if now_us >= listing.close_us => Some(Status::Closed),
        Status::Closed if now_us >= listing.close_us + DETERMINATION_DELAY_US => Some(Status::Determined),
        Status::Determined if market.determined_us.is_some_and(|at| now_us >= settles(at)) => {
            Some(Status::Finalized)
        }
        _ => None,
    }
}

pub(super) fn created(market: &Market, now_us: i64) -> VenueEvent {
    let listing = &market.listing;
    let kind = LifecycleKind::Created {
        open_ts: listing.open_us / 1_000_000,
        close_ts: listing.close_us / 1_000_000,
        title: listing.title.clone(),
        yes_sub_title: listing.yes_sub_title.clone(),
        price_level_structure: listing.grid.name,
        ranges: listing.grid.ranges.to_vec(),
    };
    lifecycle(market, kind, now_us)
}

pub(super) fn event_created(listing: &Listing, is_combo: bool) -> VenueEvent {
    VenueEvent::EventCreated(Box::new(EventCreated {
        is_combo,
        event_ticker: listing.event_ticker.as_str().into(),
        series_ticker: listing.series_ticker.as_str().into(),
        exchange_index: listing.exchange_index,
        title: listing.event_title.clone(),
    }))
}

pub(super) fn lifecycle(market: &Market, kind: LifecycleKind, now_us: i64) -> VenueEvent {
    VenueEvent::Lifecycle(Box::new(Lifecycle {
        is_combo: market.combo.is_some(),
        ticker: Arc::clone(&market.ticker),
        event_ticker: market.listing.event_ticker.as_str().into(),
        exchange_index: market.listing.exchange_index,
        kind,
        ts_us: now_us,
    }))
}

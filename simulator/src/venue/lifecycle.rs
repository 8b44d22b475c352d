//! The life of markets: silent open and close, determination, payout; expiry of orders.

use std::sync::Arc;

use super::Venue;
use super::account::{Position, Settlement};
use super::event::{EventCreated, Lifecycle, LifecycleKind, VenueEvent};
use super::life::Step;
use super::market::{Listing, Market, Status};
use super::matching::position_event;
use super::order::{Order, OrderStatus};
use super::refusal::Refusal;
use super::units::{Count, DOLLAR, Micros};

/// From close to determination.
const DETERMINATION_DELAY_US: i64 = 5_000_000;
const CENT: Micros = 10_000;

impl Venue {
    /// Moves every market and order along to `now_us`. Opening and closing are silent on the stream.
    pub fn advance(&mut self, now_us: i64) {
        self.advance_hours(now_us);
        self.apply_fee_changes(now_us);
        self.expire_orders(now_us);
        self.advance_transfers(now_us);
        self.advance_communications(now_us);
        let due = self.markets.values().filter(|market| due_step(market, now_us).is_some());
        let tickers: Vec<Arc<str>> = due.map(|market| Arc::clone(&market.ticker)).collect();
        for ticker in tickers {
            while let Some(step) = self.markets.get(&ticker).and_then(|market| due_step(market, now_us))
                && self.take_step(&ticker, step, now_us).is_ok()
            {}
        }
    }

    fn expire_orders(&mut self, now_us: i64) {
        while let Some((at, number)) = self.expiring.first().copied()
            && at <= now_us
        {
            self.expiring.pop_first();
            // An amendment may have moved the expiry since: only the order's own time counts.
            let is_due = |order: &Order| {
                order.status == OrderStatus::Resting && order.expiration_us.is_some_and(|at| at <= now_us)
            };
            if self.orders.get(&number).is_some_and(is_due) {
                self.end(number, OrderStatus::Canceled, "ExpiryCancel", now_us);
            }
        }
    }

    /// Takes a step of the table with what it causes; refuses one that the market's state does not have.
    pub(super) fn take_step(&mut self, ticker: &Arc<str>, step: Step, now_us: i64) -> Result<(), Refusal> {
        let market = self.market_mut(ticker)?;
        let Some(status) = market.status.after(step) else {
            return Err(Refusal::bad_request(step.refused(market.status)));
        };
        if step == Step::Resume {
            // Who resumes finds an empty book.
            self.cancel_resting(ticker, "HaltCancel", false, now_us);
        }
        let market = self.market_mut(ticker)?;
        market.status = status;
        market.updated_us = now_us;
        match step {
            Step::Pause => {
                self.tell_life(ticker, LifecycleKind::Deactivated, now_us);
                self.cancel_resting(ticker, "HaltCancel", true, now_us);
            }
            Step::Resume | Step::Reopen => self.tell_life(ticker, LifecycleKind::Activated, now_us),
            Step::Close => self.cancel_resting(ticker, "CloseCancel", false, now_us),
            Step::Determine => self.determine(ticker, now_us),
            // The time until it counts runs from here.
            Step::Amend => market.determined_us = Some(now_us),
            Step::Settle => self.settle(ticker, now_us),
            Step::Open | Step::Dispute | Step::MoveClose | Step::ChangeGrid | Step::Rename => {}
        }
        Ok(())
    }

    /// Tells of a step in a market's life.
    pub(super) fn tell_life(&mut self, ticker: &str, kind: LifecycleKind, now_us: i64) {
        if let Some(market) = self.markets.get(ticker) {
            let event = lifecycle(market, kind, now_us);
            self.events.push(event);
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
        self.cancel_resting_if(ticker, reason, |order| !on_pause_only || order.cancel_order_on_pause, now_us);
    }

    /// Cancels the resting orders of a market that `concerned` names, oldest first.
    pub(super) fn cancel_resting_if(
        &mut self,
        ticker: &str,
        reason: &'static str,
        concerned: impl Fn(&Order) -> bool,
        now_us: i64,
    ) {
        let Some(market) = self.markets.get(ticker) else { return };
        let queues = market.bids.values().chain(market.asks.values());
        let concerned = |number: &u64| self.orders.get(number).is_some_and(&concerned);
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

    /// Pays out: only net positions. A scalar payout is in whole cents; what is left of a cent is the fee.
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
            let due = payout(position.net, outcome.value);
            // The population trades without fees.
            let fee = if account.has_credit { 0 } else { due.rem_euclid(CENT) };
            let revenue = due - fee;
            self.fees_taken += fee;
            *account.cash.entry(shard).or_insert(0) += revenue;
            let held = *position;
            let realized_pnl = held.realized_pnl + due - held.cost;
            let after = Position {
                net: 0,
                cost: 0,
                realized_pnl,
                fees_paid: held.fees_paid + fee,
                updated_us: now_us,
                ..held
            };
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
                    fee,
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

/// Returns the step that time makes a market take, if it is due. A dispute ends by command only.
fn due_step(market: &Market, now_us: i64) -> Option<Step> {
    let listing = &market.listing;
    let result_is_older_than =
        |age_us: i64| market.determined_us.is_some_and(|at_us| now_us >= at_us.saturating_add(age_us));
    let (step, is_due) = match market.status {
        Status::Initialized => (Step::Open, now_us >= listing.open_us),
        Status::Active | Status::Inactive => (Step::Close, now_us >= listing.close_us),
        Status::Closed => (Step::Determine, now_us >= listing.close_us + DETERMINATION_DELAY_US),
        Status::Amended => (Step::Determine, result_is_older_than(DETERMINATION_DELAY_US)),
        Status::Determined => {
            (Step::Settle, result_is_older_than(listing.settlement_timer_s.saturating_mul(1_000_000)))
        }
        Status::Disputed | Status::Finalized => return None,
    };
    is_due.then_some(step)
}

pub(super) fn created(market: &Market, now_us: i64) -> VenueEvent {
    let listing = &market.listing;
    let kind = LifecycleKind::Created {
        open_ts: listing.open_us / 1_000_000,
        close_ts: listing.close_us / 1_000_000,
        title: listing.title.clone(),
        yes_sub_title: listing.yes_sub_title.clone(),
        price_level_structure: listing.grid.name,
        ranges: listing.grid.ranges,
        can_close_early: listing.can_close_early,
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

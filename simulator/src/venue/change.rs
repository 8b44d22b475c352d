//! Cancels, decreases and amends of resting orders.

use std::sync::Arc;

use super::Venue;
use super::account::AccountId;
use super::collateral::Claim;
use super::event::Side;
use super::market::Status;
use super::order::OrderStatus;
use super::place::{COUNT_MAX, trades_at};
use super::refusal::Refusal;
use super::units::{Count, Micros, Price, price_text};

/// A cancelled order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Canceled {
    pub order_id: Arc<str>,
    pub client_order_id: Arc<str>,
    pub reduced_by: Count,
    pub ts_us: i64,
}

/// How much a decrease takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reduction {
    By(Count),
    To(Count),
}

/// An amend: `count` is the new total, what has filled included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Amendment {
    pub ticker: String,
    pub side: Side,
    pub price: Price,
    pub count: Count,
    pub client_order_id: Option<String>,
    pub updated_client_order_id: Option<String>,
    /// Unix seconds; 0 removes the expiry, none keeps it.
    pub expiration_time: Option<i64>,
}

/// What a member learns from an amend: the fills are those of the amend alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Amended {
    pub order_id: Arc<str>,
    pub client_order_id: Arc<str>,
    /// True if a fill occurred or the resting size changed.
    pub size_changed: bool,
    pub filled: Count,
    pub remaining: Count,
    pub average_price: Option<Price>,
    pub average_fee: Option<Micros>,
    pub ts_us: i64,
}

impl Venue {
    /// Cancels a resting order. Dead and unknown orders read the same: 404.
    pub fn cancel(
        &mut self,
        account: AccountId,
        order_id: &str,
        shard: Option<i64>,
        now_us: i64,
    ) -> Result<Canceled, Refusal> {
        let number = self.resting(account, order_id, shard)?;
        self.still_open(number, now_us)?;
        let order = self.orders.get(&number).ok_or_else(Refusal::not_found)?;
        let ticker = Arc::clone(&order.ticker);
        let canceled = Canceled {
            order_id: Arc::clone(&order.order_id),
            client_order_id: Arc::clone(&order.client_order_id),
            reduced_by: order.remaining,
            ts_us: now_us,
        };
        self.end(number, OrderStatus::Canceled, "", now_us);
        self.announce_ticker(&ticker, now_us);
        Ok(canceled)
    }

    /// Cancels every resting order of the member, or of one subaccount if it is named.
    pub fn cancel_all(&mut self, account: AccountId, subaccount: Option<i64>, now_us: i64) -> usize {
        if self.cancel_all_tail_us > 0 {
            let until_us = now_us.saturating_add(self.cancel_all_tail_us);
            self.cancel_all_until.insert(account, (until_us, subaccount));
        }
        let chosen = self.orders_of(account).into_iter().filter(|order| {
            order.status == OrderStatus::Resting && subaccount.is_none_or(|wanted| wanted == order.subaccount)
        });
        let numbers: Vec<u64> = chosen.map(|order| order.number).collect();
        let mut canceled = 0;
        for number in numbers {
            // Orders of a market that has closed are the exchange's to cancel.
            if self.still_open(number, now_us).is_ok() {
                self.end(number, OrderStatus::Canceled, "", now_us);
                canceled += 1;
            }
        }
        canceled
    }

    /// Cancels a new order that the tail of a cancel-all still reaches.
    pub(super) fn end_if_canceling_all(&mut self, number: u64, now_us: i64) {
        let Some(order) = self.orders.get(&number) else { return };
        let reaches = |(until_us, subaccount): &(i64, Option<i64>)| {
            now_us < *until_us && subaccount.is_none_or(|wanted| wanted == order.subaccount)
        };
        if order.status == OrderStatus::Resting
            && self.cancel_all_until.get(&order.member).is_some_and(reaches)
        {
            self.end(number, OrderStatus::Canceled, "", now_us);
        }
    }

    /// Lowers what rests; the place in the queue stays. To zero it is a cancel.
    pub fn decrease(
        &mut self,
        account: AccountId,
        order_id: &str,
        reduction: Reduction,
        shard: Option<i64>,
        now_us: i64,
    ) -> Result<(Arc<str>, Arc<str>, Count), Refusal> {
        let number = self.resting(account, order_id, shard)?;
        self.still_open(number, now_us)?;
        let order = self.orders.get(&number).cloned().ok_or_else(Refusal::not_found)?;
        let target = match reduction {
            Reduction::By(by) => (order.remaining - by).max(0),
            Reduction::To(to) if to > order.remaining => {
                return Err(Refusal::invalid_size("reduce_to is more than what rests"));
            }
            Reduction::To(to) => to,
        };
        if target == 0 {
            self.end(number, OrderStatus::Canceled, "Decrease", now_us);
        } else {
            self.shrink(number, target, now_us);
            self.announce_order(number, "Decrease");
        }
        self.announce_ticker(&order.ticker, now_us);
        Ok((order.order_id, order.client_order_id, target))
    }

    /// Changes price, size or expiry. Less size or another expiry keeps the place in the queue; anything else loses it,
    /// and may trade.
    pub fn amend(
        &mut self,
        account: AccountId,
        order_id: &str,
        amendment: &Amendment,
        shard: Option<i64>,
        now_us: i64,
    ) -> Result<Amended, Refusal> {
        let number = self.resting(account, order_id, shard)?;
        self.trading_allowed()?;
        self.still_open(number, now_us)?;
        let target = self.check_amend(account, number, amendment)?;
        if amendment.expiration_time.is_some_and(|at| at != 0 && at.saturating_mul(1_000_000) <= now_us) {
            return Err(Refusal::invalid_order("expiration_time is in the past"));
        }
        let before = self.orders.get(&number).cloned().ok_or_else(Refusal::not_found)?;
        if let Some(order) = self.orders.get_mut(&number) {
            if let Some(id) = &amendment.updated_client_order_id {
                order.client_order_id = id.as_str().into();
            }
            order.expiration_us = match amendment.expiration_time {
                None => order.expiration_us,
                Some(0) => None,
                Some(at) => Some(at.saturating_mul(1_000_000)),
            };
            order.initial = amendment.count;
            order.updated_us = now_us;
            self.expiring.extend(order.expiration_us.map(|at| (at, number)));
        }
        if let Some(id) = &amendment.updated_client_order_id
            && let Some(holder) = self.accounts.get_mut(account)
        {
            holder.client_order_ids.extend([id.as_str().into(), Arc::clone(&before.client_order_id)]);
        }
        if target == 0 {
            self.end(number, OrderStatus::Canceled, "Amend", now_us);
        } else if amendment.price == before.price && target <= before.remaining {
            self.shrink(number, target, now_us);
            self.announce_order(number, "Amend");
        } else {
            self.requeue(number, amendment.price, target, now_us);
        }
        self.announce_ticker(&before.ticker, now_us);
        let after = self.orders.get(&number).ok_or_else(Refusal::not_found)?;
        let traded = after.filled - before.filled;
        let fees = after.taker_fees + after.maker_fees - before.taker_fees - before.maker_fees;
        Ok(Amended {
            order_id: Arc::clone(&after.order_id),
            client_order_id: Arc::clone(&after.client_order_id),
            size_changed: traded > 0 || after.remaining != before.remaining,
            filled: traded,
            remaining: after.remaining,
            average_price: after.average_price(before.taker_cost + before.maker_cost, before.filled),
            average_fee: (traded > 0).then(|| fees * 100 / traded),
            ts_us: now_us,
        })
    }

    /// Returns what is to rest after the amend.
    fn check_amend(&self, account: AccountId, number: u64, amendment: &Amendment) -> Result<Count, Refusal> {
        let order = self.orders.get(&number).ok_or_else(Refusal::not_found)?;
        let market = self.markets.of(order).ok_or_else(Refusal::market_not_found)?;
        if market.status != Status::Active {
            return Err(Refusal::market_not_active());
        }
        if *order.ticker != *amendment.ticker {
            return Err(Refusal::mismatch("order_ticker_mismatch"));
        }
        if order.side != amendment.side {
            return Err(Refusal::mismatch("order_side_mismatch"));
        }
        if amendment.client_order_id.as_ref().is_some_and(|id| **id != *order.client_order_id) {
            return Err(Refusal::mismatch("order_id_and_client_order_id_mismatch"));
        }
        if !market.listing.grid.allows(amendment.price) {
            return Err(Refusal::invalid_price(&price_text(amendment.price), market.listing.grid.name));
        }
        let used = |id: &String| **id != *order.client_order_id && self.is_used(account, id);
        if amendment.updated_client_order_id.as_ref().is_some_and(used) {
            return Err(Refusal::already_exists());
        }
        let target = amendment.count - order.filled;
        if target < 0 || amendment.count <= 0 || amendment.count > COUNT_MAX {
            return Err(Refusal::invalid_size(
                "count must not be less than what has filled, at most 1000000.00",
            ));
        }
        let crosses =
            market.best_against(order.side).is_some_and(|best| trades_at(order.side, amendment.price, best));
        if order.post_only && crosses {
            return Err(Refusal::invalid_order("post only cross"));
        }
        let claim = Claim { side: order.side, price: amendment.price, count: target };
        if !self.affords(order.account, market, claim, Some(number)) {
            return Err(Refusal::insufficient_balance());
        }
        Ok(target)
    }

    /// Lowers what rests to `target` in place.
    fn shrink(&mut self, number: u64, target: Count, now_us: i64) {
        let Some(order) = self.orders.get_mut(&number) else { return };
        let delta = target - order.remaining;
        order.remaining = target;
        order.updated_us = now_us;
        if delta != 0 {
            self.tie(number);
            self.change_level(number, delta, now_us);
        }
    }

    /// Takes the order out, gives it its new terms, and lets it trade and rest as if it came now.
    fn requeue(&mut self, number: u64, price: Price, target: Count, now_us: i64) {
        let Some(order) = self.orders.get(&number).cloned() else { return };
        self.unqueue(number);
        self.change_level(number, -order.remaining, now_us);
        self.tie(number);
        if let Some(order) = self.orders.get_mut(&number) {
            order.price = price;
            order.remaining = target;
        }
        let crosses = self.markets.of(&order).and_then(|market| market.best_against(order.side));
        if crosses.is_some_and(|best| trades_at(order.side, price, best)) {
            self.match_order(number, now_us);
        }
        let left = self.orders.get(&number).filter(|o| o.status == OrderStatus::Resting && o.remaining > 0);
        if left.is_some() {
            self.rest(number, now_us);
            self.announce_order(number, "Amend");
        }
    }

    /// Ends an order: out of the queue, off the level, told to its owner.
    pub(super) fn end(&mut self, number: u64, status: OrderStatus, reason: &'static str, now_us: i64) {
        let Some(order) = self.orders.get(&number) else { return };
        let remaining = order.remaining;
        let was_queued = order.is_queued;
        if was_queued {
            self.unqueue(number);
            self.change_level(number, -remaining, now_us);
        }
        self.note_in_group(number, false);
        if let Some(order) = self.orders.get_mut(&number) {
            order.status = status;
            order.remaining = 0;
            order.updated_us = now_us;
        }
        if was_queued {
            self.tie(number);
        }
        self.announce_order(number, reason);
    }

    /// Finds a resting order of the account on the shard that was searched (0 when none was named).
    fn resting(&self, account: AccountId, order_id: &str, shard: Option<i64>) -> Result<u64, Refusal> {
        let order = self.order_of(account, order_id).filter(|order| order.status == OrderStatus::Resting);
        let order =
            order.filter(|order| shard.is_none_or(|shard| shard < 0 || shard == order.exchange_index));
        order.map(|order| order.number).ok_or_else(Refusal::not_found)
    }

    /// After its close a market refuses every operation, cancels included.
    fn still_open(&self, number: u64, now_us: i64) -> Result<(), Refusal> {
        if self.exchange_paused {
            return Err(Refusal::exchange_paused());
        }
        let order = self.orders.get(&number).ok_or_else(Refusal::not_found)?;
        let market = self.markets.of(order).ok_or_else(Refusal::market_not_found)?;
        let open =
            matches!(market.status, Status::Active | Status::Inactive) && now_us < market.listing.close_us;
        if open { Ok(()) } else { Err(Refusal::market_not_active()) }
    }
}

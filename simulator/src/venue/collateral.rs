//! What resting orders tie up, and whether an account can afford another one.
//!
//! Orders are served best price first, so the contracts that close the position come off the best prices of the
//! closing side: those need no cash, each pays a dollar back. Everything else is counted at its limit, with the
//! fee of a match there.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Venue;
use super::account::{Account, AccountId};
use super::event::Side;
use super::fees::trade_fee;
use super::market::Market;
use super::order::{Order, OrderStatus};
use super::place::cost;
use super::units::{Count, DOLLAR, Micros, Price};

/// An order as far as it may cost something.
#[derive(Debug, Clone, Copy)]
pub(super) struct Claim {
    pub(super) side: Side,
    /// On the YES leg.
    pub(super) price: Price,
    pub(super) count: Count,
}

impl Claim {
    fn of(order: &Order) -> Claim {
        Claim { side: order.side, price: order.price, count: order.remaining }
    }

    fn leg_price(&self) -> Price {
        if self.side == Side::Bid { self.price } else { DOLLAR - self.price }
    }
}

impl Venue {
    /// Cash of a shard that no resting order ties up.
    pub fn free_cash(&self, account: AccountId, shard: i64) -> Micros {
        let Some(holder) = self.accounts.get(account) else { return 0 };
        let of = |by_shard: &BTreeMap<i64, Micros>| by_shard.get(&shard).copied().unwrap_or(0);
        of(&holder.cash) - of(&holder.tied_on_shard)
    }

    /// Counts what an order ties up after what rests of it changed. Where nothing of its side can close the position,
    /// only this order counts; else all of the account's orders in the market are counted anew.
    pub(super) fn tie(&mut self, number: u64) {
        let Some((account, ticker, claim, before)) = self.commit(number) else { return };
        let (Some(holder), Some(market)) = (self.accounts.get_mut(account), self.markets.get(&ticker)) else {
            return;
        };
        if closable(claim.side, holder.position(&ticker).net) > 0 {
            return self.retie(account, &ticker);
        }
        let more = open_cost(market, claim) - open_cost(market, before);
        holder.tie(&ticker, market.listing.exchange_index, more);
    }

    /// Counts anew what an account's orders in a market tie up after one of them traded.
    pub(super) fn tie_after_fill(&mut self, number: u64) {
        if let Some((account, ticker, ..)) = self.commit(number) {
            self.retie(account, &ticker);
        }
    }

    /// Notes what rests of a member's order; returns it with what rested before.
    fn commit(&mut self, number: u64) -> Option<(AccountId, Arc<str>, Claim, Claim)> {
        let order = self.orders.get(&number)?;
        let holder = self.accounts.get_mut(order.account).filter(|holder| !holder.has_credit)?;
        let claim = Claim { count: if order.is_queued { order.remaining } else { 0 }, ..Claim::of(order) };
        let before = holder.commit(&order.ticker, number, claim);
        Some((order.account, Arc::clone(&order.ticker), claim, before))
    }

    /// Counts anew what the account's resting orders of one market tie up. To be called whenever one of them, the
    /// position, or the fees changed.
    pub(super) fn retie(&mut self, account: AccountId, ticker: &Arc<str>) {
        let (Some(holder), Some(market)) = (self.accounts.get(account), self.markets.get(ticker)) else {
            return;
        };
        if holder.has_credit {
            return;
        }
        let shard = market.listing.exchange_index;
        let tied = self.tied_up(holder, market, None, None);
        let before = holder.tied_in(ticker);
        if let Some(holder) = self.accounts.get_mut(account) {
            holder.tie(ticker, shard, tied - before);
        }
    }

    /// Tells whether what is kept of tied-up cash is what a fresh count gives.
    #[cfg(test)]
    pub(super) fn ties_are_exact(&self) -> bool {
        let fresh = |holder: &Account, ticker: &Arc<str>| {
            self.markets.get(ticker).map_or(0, |market| self.tied_up(holder, market, None, None))
        };
        self.accounts.iter().filter(|holder| !holder.has_credit).all(|holder| {
            let is_exact = |(ticker, commitment): (&Arc<str>, &super::account::Commitment)| {
                commitment.tied == fresh(holder, ticker)
            };
            let tied: Micros = holder.resting.values().map(|commitment| commitment.tied).sum();
            holder.resting.iter().all(is_exact) && tied == holder.tied_on_shard.values().sum::<Micros>()
        })
    }

    /// Tells whether an account can pay for a claim, which may take the place of a resting order.
    pub(super) fn affords(
        &self,
        account: AccountId,
        market: &Market,
        claim: Claim,
        in_place_of: Option<u64>,
    ) -> bool {
        let Some(holder) = self.accounts.get(account) else { return false };
        if holder.has_credit {
            return true;
        }
        let more = self.added_cost(holder, market, claim, in_place_of);
        // What only closes a position, or costs no more than before, is always allowed.
        more <= 0 || more <= self.free_cash(account, market.listing.exchange_index)
    }

    /// Returns what a claim ties up beyond what is tied up already; negative if it frees cash.
    pub(super) fn added_cost(
        &self,
        holder: &Account,
        market: &Market,
        claim: Claim,
        in_place_of: Option<u64>,
    ) -> Micros {
        if in_place_of.is_none() && closable(claim.side, holder.position(&market.ticker).net) == 0 {
            return open_cost(market, claim);
        }
        let before = holder.tied_in(&market.ticker);
        self.tied_up(holder, market, Some(claim), in_place_of) - before
    }

    /// Cancels the newest orders of a shard until the account can pay for all the others.
    pub(super) fn cancel_unpayable(&mut self, account: AccountId, shard: i64, now_us: i64) {
        while self.free_cash(account, shard) < 0 {
            let Some(holder) = self.accounts.get(account) else { return };
            let on_shard = |ticker: &str| {
                self.markets.get(ticker).is_some_and(|market| market.listing.exchange_index == shard)
            };
            let resting = holder.resting.iter().filter(|(ticker, _)| on_shard(ticker));
            let Some(newest) =
                resting.filter_map(|(_, held)| held.claims.last()).map(|(number, _)| *number).max()
            else {
                return;
            };
            self.end(newest, OrderStatus::Canceled, "MarginCancel", now_us);
        }
    }

    /// Returns what the resting orders of a market, one more claim and one order less could cost at worst.
    fn tied_up(
        &self,
        holder: &Account,
        market: &Market,
        extra: Option<Claim>,
        without: Option<u64>,
    ) -> Micros {
        let held = holder.resting.get(&market.ticker);
        let held = held.into_iter().flat_map(|held| &held.claims);
        let held = held.filter(|(number, _)| Some(*number) != without).map(|(_, claim)| *claim);
        let claims = held.chain(extra);
        let net = holder.position(&market.ticker).net;
        let closing_side = if net > 0 { Side::Ask } else { Side::Bid };
        let (mut closing, mut tied) = (0, 0);
        for claim in claims.clone() {
            match claim.side == closing_side {
                true => closing += claim.count,
                false => tied += open_cost(market, claim),
            }
        }
        if closing <= net.abs() {
            return tied;
        }
        let mut closing: Vec<Claim> = claims.filter(|claim| claim.side == closing_side).collect();
        closing.sort_unstable_by_key(|claim| std::cmp::Reverse(claim.leg_price()));
        let mut left = net.abs();
        for claim in closing {
            let closed = claim.count.min(left);
            left -= closed;
            tied += open_cost(market, Claim { count: claim.count - closed, ..claim });
        }
        tied
    }
}

/// Contracts of a position that orders on `side` close.
fn closable(side: Side, net: Count) -> Count {
    if side == Side::Ask { net.max(0) } else { (-net).max(0) }
}

/// Returns what a claim costs at worst if it closes nothing.
fn open_cost(market: &Market, claim: Claim) -> Micros {
    cost(claim.side, claim.price, claim.count) + trade_fee(market.fees(), true, claim.price, claim.count)
}

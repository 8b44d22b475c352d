//! What resting orders tie up, and whether an account can afford another one.
//!
//! Orders are served best price first, so the contracts that close the position come off the best prices of the
//! closing side: those need no cash, each pays a dollar back. Everything else is counted at its limit, with the
//! fee of a match there.

use std::collections::BTreeMap;

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
        let markets = holder.resting.keys().filter_map(|ticker| self.markets.get(ticker));
        let tied: Micros = markets
            .filter(|market| market.listing.exchange_index == shard)
            .map(|market| self.tied_up(holder, market, None, None))
            .sum();
        holder.cash.get(&shard).copied().unwrap_or(0) - tied
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
        let more =
            self.tied_up(holder, market, Some(claim), in_place_of) - self.tied_up(holder, market, None, None);
        // What only closes a position, or costs no more than before, is always allowed.
        more <= 0 || more <= self.free_cash(account, market.listing.exchange_index)
    }

    /// Cancels the newest orders of a shard until the account can pay for all the others.
    pub(super) fn cancel_unpayable(&mut self, account: AccountId, shard: i64, now_us: i64) {
        while self.free_cash(account, shard) < 0 {
            let Some(holder) = self.accounts.get(account) else { return };
            let on_shard = |ticker: &str| {
                self.markets.get(ticker).is_some_and(|market| market.listing.exchange_index == shard)
            };
            let resting = holder.resting.iter().filter(|(ticker, _)| on_shard(ticker));
            let Some(newest) = resting.filter_map(|(_, numbers)| numbers.last()).max().copied() else {
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
        let numbers = holder.resting.get(&market.ticker).into_iter().flatten();
        let orders =
            numbers.filter(|number| Some(**number) != without).filter_map(|number| self.orders.get(number));
        let mut claims: Vec<Claim> = orders.map(Claim::of).chain(extra).collect();
        claims.sort_by_key(|claim| std::cmp::Reverse(claim.leg_price()));
        let net = holder.position(&market.ticker).net;
        let mut closable = BTreeMap::from([(Side::Ask, net.max(0)), (Side::Bid, (-net).max(0))]);
        let mut tied = 0;
        for claim in claims {
            let left = closable.entry(claim.side).or_default();
            let closed = claim.count.min(*left);
            *left -= closed;
            let opened = claim.count - closed;
            tied += cost(claim.side, claim.price, opened)
                + trade_fee(market.listing.fees, true, claim.price, opened);
        }
        tied
    }
}

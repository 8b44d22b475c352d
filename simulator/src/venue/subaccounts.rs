//! Subaccounts of a member: money and positions apart, orders under one roof.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Venue;
use super::account::{Account, AccountId, Deposit};
use super::event::Side;
use super::order::OrderStatus;
use super::refusal::Refusal;
use super::units::{DOLLAR, Micros};

/// A member has at most this many beside its primary account.
const SUBACCOUNTS_MAX: i64 = 63;

impl Venue {
    /// Finds the account of a member's subaccount; 0 is the primary one.
    pub fn subaccount(&self, member: AccountId, number: i64) -> Result<AccountId, Refusal> {
        if number == 0 {
            return Ok(member);
        }
        self.subaccounts.get(&(member, number)).copied().ok_or_else(Refusal::subaccount_not_found)
    }

    /// Lists the accounts of a member by the number of their subaccount.
    pub fn subaccounts_of(&self, member: AccountId) -> impl Iterator<Item = (i64, AccountId)> + '_ {
        let others = self.subaccounts.range((member, 1)..=(member, SUBACCOUNTS_MAX));
        std::iter::once((0, member)).chain(others.map(|((_, number), id)| (*number, *id)))
    }

    /// Opens a member's account with money that is dated.
    pub fn open_member(&mut self, cash: BTreeMap<i64, Micros>, now_us: i64) -> AccountId {
        let amount = cash.values().sum();
        let member = self.open_account(false, cash);
        let id = self.dice.uuid();
        if let Some(account) = self.accounts.get_mut(member) {
            account.first_deposit = Some(Deposit { id, amount, at_us: now_us });
            account.updated_us = now_us;
        }
        member
    }

    pub fn first_deposit(&self, member: AccountId) -> Option<Deposit> {
        self.accounts.get(member)?.first_deposit.clone()
    }

    /// Returns what the resting orders of a member are worth at their limits, without fees, by shard.
    pub fn resting_value_by_shard(&self, member: AccountId) -> BTreeMap<i64, Micros> {
        let shards = self.accounts.get(member).into_iter().flat_map(|account| account.cash.keys());
        let mut by_shard: BTreeMap<i64, Micros> = shards.map(|shard| (*shard, 0)).collect();
        let resting = self.orders_of(member).into_iter();
        for order in resting.filter(|order| order.status == OrderStatus::Resting) {
            let each = match order.side {
                Side::Bid => order.price,
                Side::Ask => DOLLAR - order.price,
            };
            *by_shard.entry(order.exchange_index).or_insert(0) += each * order.remaining;
        }
        by_shard
    }

    /// Opens the next subaccount of a member, without money, and returns its number.
    pub fn open_subaccount(&mut self, member: AccountId) -> Result<i64, Refusal> {
        let number = self.subaccounts_of(member).map(|(number, _)| number).max().unwrap_or(0) + 1;
        if number > SUBACCOUNTS_MAX {
            return Err(Refusal::invalid(&format!("a member has at most {SUBACCOUNTS_MAX} subaccounts")));
        }
        let primary = self.accounts.get(member).ok_or_else(Refusal::not_found)?;
        let cash: BTreeMap<i64, i64> = primary.cash.keys().map(|shard| (*shard, 0)).collect();
        let account = Account::new(Arc::clone(&primary.user_id), member, number, primary.has_credit, cash);
        self.subaccounts.insert((member, number), self.accounts.len());
        self.accounts.push(account);
        Ok(number)
    }
}

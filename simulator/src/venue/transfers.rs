//! Cash on the move: between subaccounts at once, between shards a moment later, and by itself towards a target.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Venue;
use super::account::AccountId;
use super::event::VenueEvent;
use super::refusal::Refusal;
use super::units::Micros;

/// From acceptance of a transfer between shards to its completion.
const TRANSFER_US: i64 = 500_000;
/// Cash is moved towards the target this often.
const REBALANCE_US: i64 = 10_000_000;
const PERCENT: i64 = 100;

/// A transfer between a member's subaccounts on one shard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubaccountTransfer {
    pub transfer_id: Arc<str>,
    pub from: i64,
    pub to: i64,
    pub exchange_index: i64,
    pub amount: Micros,
    pub created_us: i64,
}

/// A transfer between shards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShardTransfer {
    pub transfer_id: Arc<str>,
    pub client_transfer_id: Option<String>,
    pub source_shard: i64,
    pub destination_shard: i64,
    pub destination_subaccount: i64,
    pub amount: Micros,
    pub created_us: i64,
    pub is_complete: bool,
}

/// What a member asks for between shards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewTransfer {
    pub client_transfer_id: Option<String>,
    /// Shard and subaccount.
    pub source: (i64, i64),
    pub destination: (i64, i64),
    pub amount: Micros,
}

/// What automatic rebalancing leaves behind for resting orders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reservation {
    None,
    /// The largest commitment in one market.
    Max,
    /// All of them.
    Sum,
}

/// A member's transfers and target. Oldest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Moves {
    pub between_subaccounts: Vec<SubaccountTransfer>,
    pub between_shards: Vec<ShardTransfer>,
    /// Percent of the free cash by shard; empty leaves the cash where it is.
    pub target: BTreeMap<i64, i64>,
    pub reservation: Option<Reservation>,
    used_ids: std::collections::BTreeSet<String>,
}

impl Venue {
    /// Moves cash between two subaccounts of a shard at once.
    pub fn transfer_between_subaccounts(
        &mut self,
        member: AccountId,
        client_transfer_id: &str,
        (from, to): (i64, i64),
        exchange_index: i64,
        amount: Micros,
        now_us: i64,
    ) -> Result<(), Refusal> {
        let key = format!("subaccount {client_transfer_id}");
        if self.moves.get(&member).is_some_and(|moves| moves.used_ids.contains(&key)) {
            return Err(Refusal::transfer_exists());
        }
        self.move_now(member, (from, to), exchange_index, amount, now_us)?;
        self.moves.entry(member).or_default().used_ids.insert(key);
        Ok(())
    }

    fn move_now(
        &mut self,
        member: AccountId,
        (from, to): (i64, i64),
        exchange_index: i64,
        amount: Micros,
        now_us: i64,
    ) -> Result<Arc<str>, Refusal> {
        if from == to {
            return Err(Refusal::invalid("source and destination are the same"));
        }
        let (source, destination) = (self.subaccount(member, from)?, self.subaccount(member, to)?);
        self.withdraw(source, exchange_index, amount, now_us)?;
        self.deposit(destination, exchange_index, amount, now_us);
        let transfer_id: Arc<str> = self.dice.uuid();
        self.moves.entry(member).or_default().between_subaccounts.push(SubaccountTransfer {
            transfer_id: Arc::clone(&transfer_id),
            from,
            to,
            exchange_index,
            amount,
            created_us: now_us,
        });
        Ok(transfer_id)
    }

    /// Accepts a transfer between shards; the cash leaves at once and arrives a moment later. Within one shard it is a
    /// transfer between subaccounts.
    pub fn transfer_between_shards(
        &mut self,
        member: AccountId,
        new: &NewTransfer,
        now_us: i64,
    ) -> Result<Arc<str>, Refusal> {
        let ((source_shard, from), (destination_shard, to)) = (new.source, new.destination);
        if new.client_transfer_id.is_some() && (from, to) != (0, 0) {
            return Err(Refusal::invalid("client_transfer_id is for primary accounts only"));
        }
        let key = new.client_transfer_id.as_ref().map(|id| format!("shard {source_shard} {id}"));
        let used = |key: &String| self.moves.get(&member).is_some_and(|moves| moves.used_ids.contains(key));
        if key.as_ref().is_some_and(used) {
            return Err(Refusal::transfer_exists());
        }
        let transfer_id = if source_shard == destination_shard {
            self.move_now(member, (from, to), source_shard, new.amount, now_us)?
        } else {
            let source = self.subaccount(member, from)?;
            self.subaccount(member, to)?;
            self.known_shard(member, destination_shard)?;
            self.withdraw(source, source_shard, new.amount, now_us)?;
            let transfer_id: Arc<str> = self.dice.uuid();
            self.moves.entry(member).or_default().between_shards.push(ShardTransfer {
                transfer_id: Arc::clone(&transfer_id),
                client_transfer_id: new.client_transfer_id.clone(),
                source_shard,
                destination_shard,
                destination_subaccount: to,
                amount: new.amount,
                created_us: now_us,
                is_complete: false,
            });
            transfer_id
        };
        self.moves.entry(member).or_default().used_ids.extend(key);
        Ok(transfer_id)
    }

    /// Sets where a member's free cash is moved to; percentages make a hundred, or there are none.
    pub fn set_target(
        &mut self,
        member: AccountId,
        target: BTreeMap<i64, i64>,
        reservation: Reservation,
    ) -> Result<(), Refusal> {
        if !target.is_empty() && target.values().sum::<i64>() != PERCENT {
            return Err(Refusal::invalid("percentages must total 100"));
        }
        for shard in target.keys() {
            self.known_shard(member, *shard)?;
        }
        let moves = self.moves.entry(member).or_default();
        (moves.target, moves.reservation) = (target, Some(reservation));
        Ok(())
    }

    /// Cash that has left one shard and not arrived at another.
    pub fn cash_in_transit(&self) -> Micros {
        let all = self.moves.values().flat_map(|moves| &moves.between_shards);
        all.filter(|transfer| !transfer.is_complete).map(|transfer| transfer.amount).sum()
    }

    /// Lets transfers that are due arrive, and moves cash towards the targets.
    pub(super) fn advance_transfers(&mut self, now_us: i64) {
        let mut arrived = Vec::new();
        for (member, moves) in &mut self.moves {
            let due = |transfer: &&mut ShardTransfer| {
                !transfer.is_complete && transfer.created_us + TRANSFER_US <= now_us
            };
            for transfer in moves.between_shards.iter_mut().filter(due) {
                transfer.is_complete = true;
                let to = (transfer.destination_subaccount, transfer.destination_shard);
                arrived.push((*member, to, transfer.amount));
            }
        }
        for (member, (subaccount, shard), amount) in arrived {
            if let Ok(account) = self.subaccount(member, subaccount) {
                self.deposit(account, shard, amount, now_us);
            }
        }
        if now_us >= self.rebalanced_us + REBALANCE_US {
            self.rebalanced_us = now_us;
            let aiming = self.moves.iter().filter(|(_, moves)| !moves.target.is_empty());
            let members: Vec<AccountId> = aiming.map(|(member, _)| *member).collect();
            members.into_iter().for_each(|member| self.rebalance(member, now_us));
        }
    }

    fn rebalance(&mut self, member: AccountId, now_us: i64) {
        let (Some(moves), Some(account)) = (self.moves.get(&member), self.accounts.get(member)) else {
            return;
        };
        let reserved = |shard: i64| match moves.reservation.unwrap_or(Reservation::Sum) {
            Reservation::None => 0,
            Reservation::Sum => account.tied_on_shard.get(&shard).copied().unwrap_or(0),
            Reservation::Max => account
                .resting
                .iter()
                .filter(|(ticker, _)| {
                    self.markets.get(ticker).is_some_and(|market| market.listing.exchange_index == shard)
                })
                .map(|(_, commitment)| commitment.tied)
                .max()
                .unwrap_or(0),
        };
        let kept: BTreeMap<i64, Micros> =
            account.cash.iter().map(|(shard, cash)| (*shard, reserved(*shard).min(*cash).max(0))).collect();
        let free: Micros = account.cash_total() - kept.values().sum::<Micros>();
        let mut after = kept;
        let mut left = free;
        for (shard, percent) in &moves.target {
            let part = free / PERCENT * percent;
            *after.entry(*shard).or_insert(0) += part;
            left -= part;
        }
        // What does not divide goes to the first shard of the target.
        if let Some(first) = moves.target.keys().next() {
            *after.entry(*first).or_insert(0) += left;
        }
        if let Some(account) = self.accounts.get_mut(member)
            && account.cash != after
        {
            account.cash = after;
            account.updated_us = now_us;
            self.events.push(VenueEvent::Money { account: member });
        }
    }

    fn known_shard(&self, member: AccountId, shard: i64) -> Result<(), Refusal> {
        let is_known = self.accounts.get(member).is_some_and(|account| account.cash.contains_key(&shard));
        if is_known { Ok(()) } else { Err(Refusal::invalid("no such exchange shard")) }
    }

    fn withdraw(
        &mut self,
        account: AccountId,
        shard: i64,
        amount: Micros,
        now_us: i64,
    ) -> Result<(), Refusal> {
        if amount <= 0 {
            return Err(Refusal::invalid("the amount must be more than zero"));
        }
        self.known_shard(account, shard)?;
        if self.free_cash(account, shard) < amount {
            return Err(Refusal::insufficient_balance());
        }
        self.deposit(account, shard, -amount, now_us);
        Ok(())
    }

    fn deposit(&mut self, id: AccountId, shard: i64, amount: Micros, now_us: i64) {
        let Some(account) = self.accounts.get_mut(id) else { return };
        *account.cash.entry(shard).or_insert(0) += amount;
        account.updated_us = now_us;
        let member = account.member;
        self.events.push(VenueEvent::Money { account: member });
    }
}

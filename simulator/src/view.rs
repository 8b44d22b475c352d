//! What reads show of one member: a copy, taken at one moment.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::venue::Venue;
use crate::venue::account::{Account, AccountId, Position, Settlement};
use crate::venue::event::Fill;
use crate::venue::order::Order;
use crate::venue::transfers::Moves;
use crate::venue::units::Micros;

/// A member as it was at one moment.
#[derive(Debug, Clone)]
pub struct AccountView {
    /// Money and positions by subaccount; 0 is the primary account.
    pub holdings: BTreeMap<i64, Holding>,
    /// Newest first.
    pub orders: Vec<Order>,
    /// Oldest first.
    pub fills: Vec<Fill>,
    /// Oldest first.
    pub settlements: Vec<Settlement>,
    pub moves: Moves,
}

/// What one subaccount holds.
#[derive(Debug, Clone)]
pub struct Holding {
    pub cash: BTreeMap<i64, Micros>,
    /// When cash changed last.
    pub updated_us: i64,
    pub positions: BTreeMap<Arc<str>, Position>,
    pub netting: bool,
}

impl AccountView {
    pub(crate) fn of(venue: &Venue, member: AccountId) -> Option<Self> {
        let account = venue.accounts.get(member)?;
        let holding = |(number, id): (i64, AccountId)| Some((number, Holding::of(venue.accounts.get(id)?)));
        Some(Self {
            holdings: venue.subaccounts_of(member).filter_map(holding).collect(),
            orders: venue.orders_of(member).into_iter().cloned().collect(),
            fills: account.fills.clone(),
            settlements: account.settlements.clone(),
            moves: venue.moves.get(&member).cloned().unwrap_or_default(),
        })
    }
}

impl Holding {
    fn of(account: &Account) -> Self {
        Self {
            cash: account.cash.clone(),
            updated_us: account.updated_us,
            positions: account.positions.iter().map(|(ticker, held)| (Arc::clone(ticker), *held)).collect(),
            netting: account.netting,
        }
    }
}

//! What reads show of one account: a copy, taken at one moment.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::venue::Venue;
use crate::venue::account::{AccountId, Position, Settlement};
use crate::venue::event::Fill;
use crate::venue::order::Order;
use crate::venue::units::Micros;

/// An account as it was at one moment.
#[derive(Debug, Clone)]
pub struct AccountView {
    pub cash: BTreeMap<i64, Micros>,
    /// When cash changed last.
    pub updated_us: i64,
    /// Newest first.
    pub orders: Vec<Order>,
    /// Oldest first.
    pub fills: Vec<Fill>,
    pub positions: BTreeMap<Arc<str>, Position>,
    /// Oldest first.
    pub settlements: Vec<Settlement>,
}

impl AccountView {
    pub(crate) fn of(venue: &Venue, id: AccountId) -> Option<Self> {
        let account = venue.accounts.get(id)?;
        Some(Self {
            cash: account.cash.clone(),
            updated_us: account.updated_us,
            orders: venue.orders_of(id).into_iter().cloned().collect(),
            fills: account.fills.clone(),
            positions: account.positions.clone(),
            settlements: account.settlements.clone(),
        })
    }
}

//! The desk's published state. Written only by the desk's shell, after the entries behind it are durable; read by anyone.

use std::collections::BTreeMap;

use parking_lot::RwLock;

use super::view::{BalanceView, FillView, OrderView, PositionView, SettlementView};
use crate::domain::{OrderId, Ticker};
use crate::journal::HaltMode;
use crate::stream::Announcement;

/// Everything readers may see of the account. One lock per table; none is held across another.
#[derive(Debug, Default)]
pub struct ReadModel {
    pub orders: RwLock<BTreeMap<OrderId, OrderView>>,
    /// In the order they were recorded.
    pub fills: RwLock<Vec<FillView>>,
    pub positions: RwLock<BTreeMap<Ticker, PositionView>>,
    pub balance: RwLock<Option<BalanceView>>,
    pub settlements: RwLock<Vec<SettlementView>>,
    pub halt: RwLock<HaltView>,
    /// Venue time of the last complete report that was reconciled, milliseconds; `None` before the first since start.
    pub reconciled_as_of_ms: RwLock<Option<i64>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize)]
pub struct HaltView {
    pub mode: HaltMode,
    pub reason: String,
}

impl ReadModel {
    /// Takes over an account fact that is durable. Market facts are not kept here.
    pub fn publish(&self, announcement: &Announcement) {
        match announcement {
            Announcement::Order(order) => {
                self.orders.write().insert(order.order_id, order.clone());
            }
            Announcement::Fill(fill) => self.fills.write().push(fill.clone()),
            Announcement::Position(position) => {
                self.positions.write().insert(position.ticker.clone(), position.clone());
            }
            Announcement::Balance(balance) => *self.balance.write() = Some(balance.clone()),
            Announcement::Settlement(settlement) => self.settlements.write().push(settlement.clone()),
            Announcement::BookSnapshot { .. }
            | Announcement::BookDelta { .. }
            | Announcement::BookTrust { .. }
            | Announcement::Trade { .. }
            | Announcement::Quote { .. }
            | Announcement::Lifecycle { .. }
            | Announcement::Event { .. }
            | Announcement::OrderGroup { .. }
            | Announcement::Communication { .. }
            | Announcement::Health(_)
            | Announcement::Alert(_) => {}
        }
    }
}

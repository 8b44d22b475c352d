//! Rebuilding from the journal: the desk's state, and what readers saw. The same `apply` as live.

use super::entry::{Entry, StoredEntry};
use crate::desk::read_model::{HaltView, ReadModel};
use crate::desk::view::{FillView, SettlementView};
use crate::desk::{DeskState, fill_view, settlement_view};

/// Takes entries in sequence and gives the state they make.
#[derive(Debug, Default)]
pub struct Replay {
    state: DeskState,
    fills: Vec<FillView>,
    settlements: Vec<SettlementView>,
}

impl Replay {
    pub fn apply(&mut self, stored: &StoredEntry) {
        match &stored.entry {
            Entry::FillRecorded { order_id, fill } if !self.state.has_fill(&fill.trade_id, *order_id) => {
                self.fills.push(fill_view(*order_id, fill));
            }
            Entry::Settled { row } => self.settlements.push(settlement_view(row)),
            _ => {}
        }
        self.state.apply(stored);
    }

    /// Returns the state and the read model that shows exactly it.
    pub fn finish(self) -> (DeskState, ReadModel) {
        let model = ReadModel::default();
        let orders = self.state.orders.values().map(|order| (order.order_id, order.view()));
        *model.orders.write() = orders.collect();
        let tickers = self.state.holdings.keys();
        *model.positions.write() = tickers.map(|t| (t.clone(), self.state.position_view(t))).collect();
        *model.fills.write() = self.fills;
        *model.settlements.write() = self.settlements;
        model.balance.write().clone_from(&self.state.balance);
        *model.halt.write() = HaltView { mode: self.state.halt, reason: self.state.halt_reason.clone() };
        (self.state, model)
    }
}

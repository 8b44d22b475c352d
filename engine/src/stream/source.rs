//! Where the hub takes the present state of the account from, for the snapshot a subscription begins with.

use serde::Serialize;

use super::frame::json;
use super::topic::TopicKind;
use crate::desk::read_model::ReadModel;

/// Present state by topic. Called on the hub's thread; must not block.
pub trait SnapshotSource: Send + Sync {
    /// Returns the `data` of a snapshot frame, or `None` where the hub itself holds the state.
    fn snapshot(&self, kind: TopicKind) -> Option<String>;
}

/// How many of the newest rows a snapshot of a list that only grows contains.
pub(super) const RECENT_ROWS: usize = 100;

/// Writes `{"<kind>":[…]}`, the shape of every list on the stream.
pub(super) fn rows<T: Serialize>(kind: TopicKind, rows: &[T]) -> String {
    format!("{{\"{}\":{}}}", kind.as_str(), json(rows))
}

fn newest<T>(rows: &[T]) -> &[T] {
    rows.get(rows.len().saturating_sub(RECENT_ROWS)..).unwrap_or_default()
}

impl SnapshotSource for ReadModel {
    fn snapshot(&self, kind: TopicKind) -> Option<String> {
        match kind {
            TopicKind::Orders => {
                let orders = self.orders.read();
                let working: Vec<_> = orders.values().filter(|order| !order.status.is_final()).collect();
                Some(rows(kind, &working))
            }
            TopicKind::Fills => Some(rows(kind, newest(&self.fills.read()))),
            TopicKind::Settlements => Some(rows(kind, newest(&self.settlements.read()))),
            TopicKind::Positions => {
                let positions = self.positions.read();
                Some(rows(kind, &positions.values().collect::<Vec<_>>()))
            }
            TopicKind::Balance => Some(json(&*self.balance.read())),
            TopicKind::Book
            | TopicKind::Ticker
            | TopicKind::Trades
            | TopicKind::Health
            | TopicKind::Alerts
            | TopicKind::Lifecycle
            | TopicKind::OrderGroups
            | TopicKind::Communications
            | TopicKind::Audit => None,
        }
    }
}

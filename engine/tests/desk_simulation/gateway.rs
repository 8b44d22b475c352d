//! A model of the gateway up to the wire: tokens, cancels before everything else, patience, and the last look at the halt.
//! The real one is in another crate, which the engine does not see.

use std::collections::VecDeque;

use outrigger_engine::domain::OrderId;
use outrigger_engine::planted::{Bug, has};
use outrigger_engine::risk::HaltSwitch;
use outrigger_engine::venue::{VenueWrite, WriteKind};

/// Tokens a second, and as many at most.
const TOKENS: i64 = 60;
/// Tokens that only cancels may use.
const KEPT: i64 = 6;
const COST: i64 = 10;
const COST_CANCEL: i64 = 2;
const ORDER_PATIENCE_MS: i64 = 2_000;
const CANCEL_PATIENCE_MS: i64 = 15_000;
/// How long the tokens of one cancel take to come.
pub(crate) const REFILL_MS: i64 = 1_000 * COST_CANCEL / TOKENS + 1;

#[derive(Debug, Clone)]
pub(crate) struct Write {
    pub(crate) order_id: OrderId,
    pub(crate) attempt: u64,
    pub(crate) write: VenueWrite,
    pub(crate) since: i64,
    pub(crate) tries: u32,
}

impl Write {
    fn is_cancel(&self) -> bool {
        self.write.kind() == WriteKind::Cancel
    }
}

/// What becomes of a write that waited.
pub(crate) enum Turn {
    Leaves(Write),
    NotSent(Write, &'static str),
}

pub(crate) struct Gateway {
    pub(crate) halt: HaltSwitch,
    queue: VecDeque<Write>,
    /// In thousandths.
    tokens: i64,
    refilled: i64,
}

impl Gateway {
    pub(crate) fn new(now: i64) -> Gateway {
        let tokens = TOKENS * 1_000;
        Gateway { halt: HaltSwitch::default(), queue: VecDeque::new(), tokens, refilled: now }
    }

    pub(crate) fn ask(&mut self, write: Write) {
        self.queue.push_back(write);
    }

    /// Returns since when the oldest cancel waits.
    pub(crate) fn oldest_cancel(&self) -> Option<i64> {
        self.queue.iter().filter(|write| write.is_cancel()).map(|write| write.since).min()
    }

    /// The write never left: its tokens go back.
    pub(crate) fn refund(&mut self, write: &Write) {
        self.tokens += 1_000 * if write.is_cancel() { COST_CANCEL } else { COST };
    }

    /// Returns the next write that leaves, or waits no longer.
    pub(crate) fn next(&mut self, now: i64) -> Option<Turn> {
        self.tokens = (self.tokens + (now - self.refilled) * TOKENS).min(TOKENS * 1_000);
        self.refilled = now;
        let late = |write: &Write| {
            let patience = if write.is_cancel() { CANCEL_PATIENCE_MS } else { ORDER_PATIENCE_MS };
            now - write.since >= patience
        };
        if let Some(at) = self.queue.iter().position(late) {
            return self.queue.remove(at).map(|write| Turn::NotSent(write, "no budget"));
        }
        let first_cancel = self.queue.iter().position(Write::is_cancel).filter(|_| !has(Bug::CancelWaits));
        let at = first_cancel.unwrap_or(0);
        let (cost, kept) = if self.queue.get(at)?.is_cancel() { (COST_CANCEL, 0) } else { (COST, KEPT) };
        if self.tokens < (cost + kept) * 1_000 {
            return None;
        }
        let write = self.queue.remove(at)?;
        if !write.is_cancel() && !self.halt.lets_orders_leave() {
            return Some(Turn::NotSent(write, "trading was halted"));
        }
        self.tokens -= cost * 1_000;
        Some(Turn::Leaves(write))
    }
}

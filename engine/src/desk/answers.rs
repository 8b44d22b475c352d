//! The venue's answers to writes, and the answers local clients get from them.

use super::command::{DeskAnswer, DeskError};
use super::place::placed_answer;
use super::step::{Desk, Effect, Step};
use super::view::OrderStatus;
use super::waiting::WaitFor;
use crate::domain::{Now, OrderId};
use crate::journal::Entry;
use crate::venue::{WriteKind, WriteOutcome, WriteReply};

impl Desk {
    pub(super) fn venue_reply(&mut self, reply: WriteReply, now: Now, step: &mut Step) {
        let WriteReply { order_id, attempt, kind, outcome } = reply;
        let Some(order) = self.state.orders.get(&order_id) else { return };
        let had_venue_id = order.venue_order_id.is_some();
        let entry = Entry::WriteEnded { order_id, attempt, write: kind, outcome: outcome.clone() };
        self.record(entry, now, step);
        match &outcome {
            WriteOutcome::Unknown { .. } => self.schedule.want(now.monotonic),
            WriteOutcome::Accepted(_) | WriteOutcome::Refused(_) | WriteOutcome::NotSent { .. } => {}
        }
        if kind == WriteKind::Create {
            if !had_venue_id {
                // A cancel may have been asked for before the venue's id was known.
                self.send_cancel(order_id, step);
            }
            if let WriteOutcome::NotSent { reason } = outcome {
                let error = DeskError::NotSent { order_id, reason };
                self.answer(order_id, |wait| wait == WaitFor::Placed, Some(&error), step);
            }
        } else {
            let failed = match outcome {
                WriteOutcome::Refused(r) => {
                    let (http_status, code, message) = (r.http_status, r.code, r.message);
                    Some(DeskError::VenueRefused { order_id, http_status, code, message })
                }
                WriteOutcome::NotSent { reason } => Some(DeskError::NotSent { order_id, reason }),
                WriteOutcome::Accepted(_) | WriteOutcome::Unknown { .. } => None,
            };
            let settled = failed.is_some();
            let over = |wait| settled && wait == WaitFor::Change(attempt);
            self.answer(order_id, over, failed.as_ref(), step);
        }
        self.order_moved(order_id, now, step);
    }

    /// After any change to an order: publishes it and answers those whose wait is over.
    pub(super) fn order_moved(&mut self, order_id: OrderId, now: Now, step: &mut Step) {
        self.record_answer(order_id, now, step);
        self.publish_order(order_id, step);
        let Some(order) = self.state.orders.get(&order_id) else { return };
        let answered = order.status != OrderStatus::Pending;
        let changes = order.changes.clone();
        let over = move |wait| match wait {
            WaitFor::Placed => answered,
            WaitFor::Change(attempt) => changes.get(attempt).is_none(),
            WaitFor::Group(_) => changes.cancel().is_none(),
        };
        self.answer(order_id, over, None, step);
    }

    /// The first known outcome of a local order is its recorded answer: repeats get the same one for ever.
    fn record_answer(&mut self, order_id: OrderId, now: Now, step: &mut Step) {
        let Some(order) = self.state.orders.get(&order_id) else { return };
        let outcome_known = !matches!(order.status, OrderStatus::Pending | OrderStatus::Unknown);
        let answer_due = order.idempotency_key.is_some() && order.answer.is_none() && outcome_known;
        if answer_due && let Ok(answer) = serde_json::to_value(order.view()) {
            self.record(Entry::Answered { order_id, answer }, now, step);
        }
    }

    fn answer(
        &mut self,
        order_id: OrderId,
        over: impl Fn(WaitFor) -> bool,
        error: Option<&DeskError>,
        step: &mut Step,
    ) {
        let waiters = self.waiting.take(order_id, over);
        let Some(order) = self.state.orders.get(&order_id) else { return };
        for (waiter, wait) in waiters {
            let answer = match (wait, error) {
                (WaitFor::Group(group), _) => {
                    let Some(done) = self.waiting.group_done(group, order_id) else { continue };
                    let views =
                        done.iter().filter_map(|id| self.state.orders.get(id)).map(|order| order.view());
                    DeskAnswer::Canceled { orders: views.collect() }
                }
                (_, Some(error)) => DeskAnswer::Rejected(error.clone()),
                (WaitFor::Placed, None) => placed_answer(order, false),
                (WaitFor::Change(_), None) => DeskAnswer::Order { order: order.view(), replayed: false },
            };
            step.after_commit.push(Effect::Reply { waiter, answer });
        }
    }

    /// After replay: creates without an answer are UNKNOWN, changes without one must be read back.
    pub(super) fn recover(&mut self, now: Now, step: &mut Step) {
        let reason = "the process ended before the answer came";
        let open: Vec<_> =
            self.state.open_orders().map(|o| (o.order_id, o.status, o.changes.clone())).collect();
        for (order_id, status, changes) in open {
            let unknown = WriteOutcome::Unknown { reason: reason.to_owned() };
            if status == OrderStatus::Pending {
                let write = WriteKind::Create;
                self.record(
                    Entry::WriteEnded { order_id, attempt: 1, write, outcome: unknown.clone() },
                    now,
                    step,
                );
            }
            for change in changes.iter().filter(|change| change.unanswered_since.is_none()) {
                let (attempt, write, outcome) = (change.attempt, change.kind, unknown.clone());
                self.record(Entry::WriteEnded { order_id, attempt, write, outcome }, now, step);
            }
        }
        step.at_once.push(Effect::HaltSwitch(self.state.halt));
        self.schedule.want(now.monotonic);
    }
}

//! Cancels, amends and decreases.

use super::command::{DeskAnswer, DeskError};
use super::step::{Desk, Effect, Step, WaiterId};
use super::view::OrderStatus;
use super::waiting::WaitFor;
use crate::domain::{Count, Market, Now, OrderId, Price};
use crate::journal::Entry;
use crate::order::OrderRecord;
use crate::risk::clear_amend;
use crate::venue::{VenueWrite, WriteKind};

impl Desk {
    pub(super) fn cancel(
        &mut self,
        order_id: OrderId,
        waiter: WaiterId,
        now: Now,
        step: &mut Step,
    ) -> Result<(), DeskError> {
        let order = self.known(order_id)?;
        match order.status {
            // Cancelling twice is no mistake.
            OrderStatus::Canceled => {
                let answer = DeskAnswer::Order { order: order.view(), replayed: true };
                step.after_commit.push(Effect::Reply { waiter, answer });
                return Ok(());
            }
            OrderStatus::Executed | OrderStatus::Rejected => return Err(not_working(order)),
            OrderStatus::Pending | OrderStatus::Resting | OrderStatus::Unknown => {}
        }
        let attempt = self.request_cancel(order_id, now, step);
        self.waiting.add(order_id, waiter, WaitFor::Change(attempt));
        Ok(())
    }

    pub(super) fn cancel_all(
        &mut self,
        waiter: WaiterId,
        now: Now,
        step: &mut Step,
    ) -> Result<(), DeskError> {
        let orders: Vec<OrderId> = self.state.open_orders().map(|order| order.order_id).collect();
        if orders.is_empty() {
            step.after_commit
                .push(Effect::Reply { waiter, answer: DeskAnswer::Canceled { orders: Vec::new() } });
        }
        self.waiting.add_group(waiter, &orders);
        for order_id in orders {
            self.request_cancel(order_id, now, step);
        }
        Ok(())
    }

    /// Journals the wish to cancel and sends it at once where the venue's id is known; else it is sent when it is.
    /// Returns the attempt that will end it. A cancel under way is joined, an amend under way is overtaken.
    fn request_cancel(&mut self, order_id: OrderId, now: Now, step: &mut Step) -> u64 {
        let Some(order) = self.state.orders.get(&order_id) else { return 0 };
        let under_way = order.changes.cancel().filter(|change| change.unanswered_since.is_none());
        if let Some(change) = under_way {
            return change.attempt;
        }
        let attempt = order.attempts.saturating_add(1);
        let entry =
            Entry::ChangeRequested { order_id, attempt, change: WriteKind::Cancel, price: None, count: None };
        self.record(entry, now, step);
        self.publish_order(order_id, step);
        self.send_cancel(order_id, step);
        attempt
    }

    /// Sends the journalled cancel, if the venue's id of the order is known by now.
    pub(super) fn send_cancel(&self, order_id: OrderId, step: &mut Step) {
        let Some(order) = self.state.orders.get(&order_id) else { return };
        if let (Some(change), Some(target)) = (order.changes.cancel(), order.target()) {
            let write = VenueWrite::Cancel(target);
            step.at_once.push(Effect::Cancel { order_id, attempt: change.attempt, write });
        }
    }

    pub(super) fn amend(
        &mut self,
        (order_id, price, count): (OrderId, Option<Price>, Option<Count>),
        market: &Market,
        waiter: WaiterId,
        now: Now,
        step: &mut Step,
    ) -> Result<(), DeskError> {
        if !self.ready {
            return Err(DeskError::NotReady {
                reason: "the account is not reconciled with the exchange yet".into(),
            });
        }
        let order = self.known(order_id)?;
        if order.status != OrderStatus::Resting {
            return Err(not_working(order));
        }
        if !order.changes.is_empty() {
            return Err(DeskError::ChangeInFlight { order_id });
        }
        let filled = order.filled_count();
        let (new_price, new_count) = (price.unwrap_or(order.price), count.unwrap_or(order.count));
        if new_count <= filled {
            let reason =
                format!("count must be more than the {filled} already filled; cancel the order to stop it");
            return Err(DeskError::Invalid { pointer: "/count", reason });
        }
        if new_price == order.price && new_count == order.count {
            step.after_commit.push(Effect::Reply {
                waiter,
                answer: DeskAnswer::Order { order: order.view(), replayed: false },
            });
            return Ok(());
        }
        let Some(target) = order.target() else { return Err(not_working(order)) };
        let write = if new_price == order.price && new_count < order.count {
            VenueWrite::Decrease { target, reduce_to: new_count.saturating_sub(filled) }
        } else {
            VenueWrite::Amend { target, side: order.side, price: new_price, count: new_count }
        };
        let (change, side, attempt) = (write.kind(), order.side, order.attempts.saturating_add(1));
        let exposure = self.exposure(&order.ticker, side, Some(order_id));
        let terms = (side, new_price, new_count, filled);
        let cleared = clear_amend(write, market, terms, &exposure, &self.config.limits)?;
        let entry = Entry::ChangeRequested {
            order_id,
            attempt,
            change,
            price: Some(new_price),
            count: Some(new_count),
        };
        self.record(entry, now, step);
        self.publish_order(order_id, step);
        step.after_commit.push(Effect::Send { order_id, attempt, cleared });
        self.waiting.add(order_id, waiter, WaitFor::Change(attempt));
        Ok(())
    }

    fn known(&self, order_id: OrderId) -> Result<&OrderRecord, DeskError> {
        self.state.orders.get(&order_id).ok_or(DeskError::NoSuchOrder { order_id })
    }
}

fn not_working(order: &OrderRecord) -> DeskError {
    let status = serde_json::to_value(order.status).ok();
    let status = status.and_then(|s| s.as_str().map(str::to_owned)).unwrap_or_default();
    DeskError::NotWorking { order_id: order.order_id, status }
}

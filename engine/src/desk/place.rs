//! Placing: the idempotency key, the gate, the intent in the journal, and only then the wire.

use super::command::{DeskAnswer, DeskError};
use super::step::{Desk, Effect, Step, WaiterId};
use super::view::{OrderStatus, OrderView};
use super::waiting::WaitFor;
use crate::domain::{Market, Now, OrderId, Side, Ticker};
use crate::journal::{Entry, NewOrder};
use crate::order::OrderRecord;
use crate::planted::{Bug, has};
use crate::risk::{Exposure, clear_create};

impl Desk {
    pub(super) fn place(
        &mut self,
        order: NewOrder,
        market: &Market,
        waiter: WaiterId,
        now: Now,
        step: &mut Step,
    ) -> Result<(), DeskError> {
        let known = self.state.order_of_key(&order.idempotency_key);
        let known = known.filter(|known| !(has(Bug::NewIdOnRetry) && known.status == OrderStatus::Unknown));
        if let Some(known) = known {
            return self.repeat(known.order_id, &order, waiter, step);
        }
        if let Some(order_id) = self.state.order_of_client_id(&order.client_order_id) {
            return Err(DeskError::ClientOrderIdUsed { order_id });
        }
        if !self.ready {
            return Err(DeskError::NotReady {
                reason: "the account is not reconciled with the exchange yet".into(),
            });
        }
        let exposure = self.exposure(&order.ticker, order.side, None);
        let cleared = clear_create(&order, market, &exposure, &self.config.limits)?;
        let order_id = order.order_id;
        self.record(Entry::IntentRecorded { order }, now, step);
        self.publish_order(order_id, step);
        step.after_commit.push(Effect::Send { order_id, attempt: 1, cleared });
        self.waiting.add(order_id, waiter, WaitFor::Placed);
        Ok(())
    }

    /// The key was used: the same request gets the same answer, another one is refused.
    fn repeat(
        &mut self,
        order_id: OrderId,
        order: &NewOrder,
        waiter: WaiterId,
        step: &mut Step,
    ) -> Result<(), DeskError> {
        let Some(known) = self.state.orders.get(&order_id) else {
            return Err(DeskError::NoSuchOrder { order_id });
        };
        if known.fingerprint != order.fingerprint {
            return Err(DeskError::IdempotencyConflict { order_id });
        }
        if known.status == OrderStatus::Pending {
            self.waiting.add(order_id, waiter, WaitFor::Placed);
        } else {
            let answer = placed_answer(known, true);
            // What the answer tells must be durable, and the entries before it may still be on their way.
            step.after_commit.push(Effect::Reply { waiter, answer });
        }
        Ok(())
    }

    /// Returns what is at stake in `ticker` on `side`, without the order `except`.
    pub(super) fn exposure(&self, ticker: &Ticker, side: Side, except: Option<OrderId>) -> Exposure {
        Exposure {
            halt: self.state.halt,
            halt_reason: self.state.halt_reason.clone(),
            open_orders: self.state.open_orders().count(),
            position: self.state.holdings.get(ticker).map(|holding| holding.net).unwrap_or_default(),
            working_same_side: self.state.working(ticker, side, except),
        }
    }
}

/// Returns the answer to a create: the recorded one where there is one.
pub(super) fn placed_answer(order: &OrderRecord, replayed: bool) -> DeskAnswer {
    if let Some(refusal) = &order.refusal {
        let (http_status, code, message) =
            (refusal.http_status, refusal.code.clone(), refusal.message.clone());
        return DeskAnswer::Rejected(DeskError::VenueRefused {
            order_id: order.order_id,
            http_status,
            code,
            message,
        });
    }
    let recorded = order.answer.clone().and_then(|answer| serde_json::from_value::<OrderView>(answer).ok());
    DeskAnswer::Order { order: recorded.unwrap_or_else(|| order.view()), replayed }
}

//! One write from its place in the budget's queue to its outcome.

use outrigger_engine::domain::OrderId;
use outrigger_engine::risk::HaltSwitch;
use outrigger_engine::venue::{VenueWrite, WriteKind, WriteOutcome, WriteReply};

use super::client::{NoAnswer, Rest};
use super::plan;
use crate::kalshi::budget::{Budget, Charge, Grant, Lane};
use crate::kalshi::outcome::{Attempt, judge, venue_error};

/// How long an order may wait for tokens before it is given back, and a cancel.
const ORDER_PATIENCE_MS: u64 = 2_000;
const CANCEL_PATIENCE_MS: u64 = 15_000;
/// Attempts of one write in all; only attempts that provably did nothing are repeated.
const ATTEMPTS_MAX: u32 = 4;

pub(super) struct Write {
    order_id: OrderId,
    attempt: u64,
    write: VenueWrite,
    charge: Charge,
    grant: Grant,
}

impl Write {
    /// Takes the write's place in the budget's queue.
    pub(super) fn reserve(order_id: OrderId, attempt: u64, write: VenueWrite, budget: &Budget) -> Write {
        let charge = plan::charge(&write);
        let grant = ask(budget, write.kind(), charge);
        Write { order_id, attempt, write, charge, grant }
    }

    /// Waits for tokens, sends, judges. What provably did nothing (the venue's limiter, a clock that was off) is tried again.
    pub(super) async fn perform(self, rest: &Rest, budget: &Budget, halt: &HaltSwitch) -> WriteReply {
        let Write { order_id, attempt, write, charge, mut grant } = self;
        let kind = write.kind();
        let mut tries = 0;
        let outcome = loop {
            tries += 1;
            if let Err(error) = grant.wait().await {
                break WriteOutcome::NotSent { reason: error.to_string() };
            }
            let outcome = match plan::request(&write) {
                Err(error) => WriteOutcome::NotSent { reason: error.to_string() },
                // The last look before the wire (I9).
                Ok(_) if kind != WriteKind::Cancel && !halt.lets_orders_leave() => {
                    budget.refund(charge);
                    WriteOutcome::NotSent { reason: "trading was halted".to_owned() }
                }
                Ok(request) => match rest.send(&request).await {
                    Ok(answer) => {
                        let outcome =
                            judge(kind, Attempt::Answered { status: answer.status, body: &answer.body });
                        if tries < ATTEMPTS_MAX && may_repeat(answer.status, &answer.body) {
                            if answer.status == 429 {
                                budget.throttled(charge.bucket);
                            }
                            grant = ask(budget, kind, charge);
                            continue;
                        }
                        outcome
                    }
                    Err(NoAnswer::NotConnected(reason)) => {
                        budget.refund(charge);
                        judge(kind, Attempt::NotConnected(&reason))
                    }
                    Err(NoAnswer::Lost(reason)) => judge(kind, Attempt::NoAnswer(&reason)),
                },
            };
            break outcome;
        };
        if let WriteOutcome::Unknown { reason } | WriteOutcome::NotSent { reason } = &outcome {
            tracing::warn!(%order_id, ?kind, reason, "a write has no clear answer");
        }
        WriteReply { order_id, attempt, kind, outcome }
    }
}

fn ask(budget: &Budget, kind: WriteKind, charge: Charge) -> Grant {
    match kind {
        WriteKind::Cancel => budget.request(Lane::Cancel, charge, CANCEL_PATIENCE_MS),
        WriteKind::Create | WriteKind::Amend | WriteKind::Decrease => {
            budget.request(Lane::Order, charge, ORDER_PATIENCE_MS)
        }
    }
}

/// Tells whether the answer proves that nothing was executed and another attempt may do better.
fn may_repeat(status: u16, body: &[u8]) -> bool {
    status == 429 || (status == 401 && venue_error(body).code == "header_timestamp_expired")
}

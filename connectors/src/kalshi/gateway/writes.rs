//! One write from its place in the budget's line to its outcome.

use std::time::Duration;

use outrigger_engine::domain::OrderId;
use outrigger_engine::risk::HaltSwitch;
use outrigger_engine::venue::{VenueWrite, WriteKind, WriteOutcome, WriteReply};
use tokio_util::sync::CancellationToken;

use super::again::{Again, again};
use super::client::{Answer, NoAnswer, Rest};
use super::plan;
use super::route::Request;
use crate::kalshi::budget::{Client, Grant, Lane};
use crate::kalshi::outcome::{Attempt, judge};

/// How long an order may wait for tokens before it is given back.
const ORDER_PATIENCE_MS: u64 = 2_000;
/// How long a cancel is tried, its waits for tokens included.
const CANCEL_PATIENCE_MS: u64 = 15_000;
/// Attempts of one order in all.
const ORDER_ATTEMPTS_MAX: u32 = 4;
/// Between attempts of a cancel that found no answer, doubling.
const PAUSE_MS_MIN: u64 = 100;
const PAUSE_MS_MAX: u64 = 2_000;

pub(super) struct Write {
    order_id: OrderId,
    attempt: u64,
    kind: WriteKind,
    client: Client,
    /// In monotonic milliseconds.
    deadline_ms: u64,
    begun: Result<(Request, Grant), String>,
}

impl Write {
    /// Takes the write's place in the budget's line. While the venue does not answer, orders do not even wait.
    pub(super) fn reserve(order_id: OrderId, attempt: u64, write: &VenueWrite, rest: &Rest) -> Write {
        let kind = write.kind();
        let client = plan::client(write);
        let patience_ms = if kind == WriteKind::Cancel { CANCEL_PATIENCE_MS } else { ORDER_PATIENCE_MS };
        let deadline_ms = now_ms(rest).saturating_add(patience_ms);
        let begun = match (plan::request(write), rest.health.refuses_writes()) {
            (Err(error), _) => Err(error.to_string()),
            (Ok(_), Some(refused)) if kind != WriteKind::Cancel => {
                Err(NoAnswer::Open { retry_after_ms: refused.retry_after_ms }.to_string())
            }
            (Ok(request), _) => {
                let grant = rest.ask(lane(kind), client.clone(), &request, patience_ms);
                Ok((request, grant))
            }
        };
        Write { order_id, attempt, kind, client, deadline_ms, begun }
    }

    /// Waits for tokens, sends, judges; repeats what may be repeated.
    pub(super) async fn perform(
        mut self,
        rest: &Rest,
        halt: &HaltSwitch,
        stop: &CancellationToken,
    ) -> WriteReply {
        let begun = std::mem::replace(&mut self.begun, Err(String::new()));
        let outcome = match begun {
            Ok((request, grant)) => self.attempts(request, grant, rest, halt, stop).await,
            Err(reason) => WriteOutcome::NotSent { reason },
        };
        let Write { order_id, attempt, kind, .. } = self;
        if let WriteOutcome::Unknown { reason } | WriteOutcome::NotSent { reason } = &outcome {
            tracing::warn!(%order_id, ?kind, reason, "a write has no clear answer");
        }
        WriteReply { order_id, attempt, kind, outcome }
    }

    async fn attempts(
        &self,
        request: Request,
        mut grant: Grant,
        rest: &Rest,
        halt: &HaltSwitch,
        stop: &CancellationToken,
    ) -> WriteOutcome {
        let mut tries = 0;
        let mut pause_ms = PAUSE_MS_MIN;
        // What one attempt left open stays open until another is accepted.
        let mut open = None;
        loop {
            tries += 1;
            let permit = match grant.wait().await {
                Ok(permit) => permit,
                Err(refused) => return open.unwrap_or(WriteOutcome::NotSent { reason: refused.to_string() }),
            };
            // The last look before the wire (I9).
            if self.kind != WriteKind::Cancel && !halt.lets_orders_leave() {
                return WriteOutcome::NotSent { reason: "trading was halted".to_owned() };
            }
            let attempt = rest.send(&request, permit).await;
            let outcome = match (open.take(), outcome(self.kind, &attempt)) {
                (Some(open), WriteOutcome::Refused(_) | WriteOutcome::NotSent { .. }) => open,
                (_, outcome) => outcome,
            };
            let pause = match again(self.kind, &attempt) {
                Again::No => return outcome,
                Again::WithBudget => None,
                Again::AfterPause => Some(Duration::from_millis(pause_ms)),
            };
            if stop.is_cancelled() || !self.has_another(tries, rest) {
                return outcome;
            }
            if let Some(pause) = pause {
                tokio::time::sleep(pause).await;
                pause_ms = (pause_ms * 2).min(PAUSE_MS_MAX);
            }
            open = Some(outcome).filter(|outcome| matches!(outcome, WriteOutcome::Unknown { .. }));
            let left_ms = self.deadline_ms.saturating_sub(now_ms(rest));
            grant = rest.ask(lane(self.kind), self.client.clone(), &request, left_ms);
        }
    }

    /// A cancel is tried as long as it is worth it. Repeats of everything else are few, and earned.
    fn has_another(&self, tries: u32, rest: &Rest) -> bool {
        match self.kind {
            WriteKind::Cancel => now_ms(rest) < self.deadline_ms,
            WriteKind::Create | WriteKind::Amend | WriteKind::Decrease => {
                tries < ORDER_ATTEMPTS_MAX && rest.health.may_repeat()
            }
        }
    }
}

fn now_ms(rest: &Rest) -> u64 {
    rest.now().monotonic.0 / 1_000_000
}

fn lane(kind: WriteKind) -> Lane {
    match kind {
        WriteKind::Cancel => Lane::Cancel,
        WriteKind::Create | WriteKind::Amend | WriteKind::Decrease => Lane::Order,
    }
}

fn outcome(kind: WriteKind, attempt: &Result<Answer, NoAnswer>) -> WriteOutcome {
    match attempt {
        Ok(answer) => judge(kind, Attempt::Answered { status: answer.status, body: &answer.body }),
        Err(open @ NoAnswer::Open { .. }) => judge(kind, Attempt::NotConnected(&open.to_string())),
        Err(NoAnswer::NotConnected(reason)) => judge(kind, Attempt::NotConnected(reason)),
        Err(NoAnswer::Lost(reason)) => judge(kind, Attempt::NoAnswer(reason)),
    }
}

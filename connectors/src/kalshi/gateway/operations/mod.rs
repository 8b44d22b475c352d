//! Every other operation of the account, typed: batches, cancel-all, queue positions, order groups, subaccounts, shard
//! transfers, RFQs and quotes. Through the same door as everything else.
//!
//! A write ends in one of three ways: done, refused with proof, or not known. None is repeated here but by the one rule of
//! `again`; a read is repeated only when the venue's limiter refused it.

mod accounts;
mod communications;
mod groups;
mod orders;

use std::sync::Arc;

use outrigger_engine::venue::{Refusal, WriteKind, WriteOutcome};
use serde::de::DeserializeOwned;

use super::again::{Again, again};
use super::client::{NoAnswer, Rest};
use super::route::{Class, Request};
use crate::kalshi::budget::{Client, Lane};
use crate::kalshi::outcome::{Attempt, judge};

pub use accounts::{ShardTransfer, SubaccountBalance, SubaccountTransfer};
pub use communications::{NewQuote, NewRfq, QuoteTerms, RfqTerms};
pub use groups::{OrderGroup, OrderGroupDetail};
pub use orders::QueuePosition;

/// How long an operation may wait for tokens.
const PATIENCE_MS: u64 = 5_000;
const ATTEMPTS_MAX: u32 = 4;

/// The operations of one account. Cheap to clone.
#[derive(Clone)]
pub struct Operations {
    rest: Arc<Rest>,
    client: Client,
}

/// Why an operation did not succeed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OperationError {
    /// Proven: nothing was done.
    #[error("the exchange refused: {} {} {}", .0.http_status, .0.code, .0.message)]
    Refused(Refusal),
    /// It may or may not have been done.
    #[error("not known whether it was done: {reason}")]
    Unknown { reason: String },
    /// It never left this machine.
    #[error("not sent: {reason}")]
    NotSent { reason: String },
}

impl Operations {
    pub(crate) fn new(rest: Arc<Rest>) -> Operations {
        Operations { rest, client: Client::own() }
    }

    /// Returns the same operations on behalf of a local client, which takes turns with others when the rate limit is short.
    pub fn of_client(&self, name: &str) -> Operations {
        Operations { rest: Arc::clone(&self.rest), client: Client::named(name) }
    }

    /// Sends a request and reads its answer's body.
    async fn call<T: DeserializeOwned>(&self, request: Request) -> Result<T, OperationError> {
        let body = self.send(request).await?;
        let unknown = |error: serde_json::Error| OperationError::Unknown {
            reason: format!("unreadable answer: {error}"),
        };
        serde_json::from_slice(&body).map_err(unknown)
    }

    /// Sends a request whose answer says nothing but that it was done.
    async fn done(&self, request: Request) -> Result<(), OperationError> {
        self.send(request).await.map(drop)
    }

    async fn send(&self, request: Request) -> Result<bytes::Bytes, OperationError> {
        let lane = match request.route.class {
            Class::Read => Lane::UserRead,
            Class::Write => Lane::Order,
            Class::Cancel => Lane::Cancel,
        };
        let mut tries = 0;
        loop {
            tries += 1;
            let grant = self.rest.ask(lane, self.client.clone(), &request, PATIENCE_MS);
            let permit = grant
                .wait()
                .await
                .map_err(|refused| OperationError::NotSent { reason: refused.to_string() })?;
            let attempt = self.rest.send(&request, permit).await;
            let is_safe = again(WriteKind::Create, &attempt) == Again::WithBudget;
            if is_safe && tries < ATTEMPTS_MAX && self.rest.health.may_repeat() {
                continue;
            }
            return match attempt {
                Ok(answer) if (200..300).contains(&answer.status) => Ok(answer.body),
                Ok(answer) => Err(failed(Attempt::Answered { status: answer.status, body: &answer.body })),
                Err(NoAnswer::Lost(reason)) => Err(failed(Attempt::NoAnswer(&reason))),
                Err(error @ (NoAnswer::NotConnected(_) | NoAnswer::Open { .. })) => {
                    Err(failed(Attempt::NotConnected(&error.to_string())))
                }
            };
        }
    }
}

/// Judges what did not succeed, by the table of all writes.
fn failed(attempt: Attempt<'_>) -> OperationError {
    match judge(WriteKind::Create, attempt) {
        WriteOutcome::Refused(refusal) => OperationError::Refused(refusal),
        WriteOutcome::NotSent { reason } => OperationError::NotSent { reason },
        WriteOutcome::Unknown { reason } => OperationError::Unknown { reason },
        WriteOutcome::Accepted(_) => OperationError::Unknown { reason: "a success that is none".to_owned() },
    }
}

/// A body that cannot be written was not sent.
fn unwritable(error: serde_json::Error) -> OperationError {
    OperationError::NotSent { reason: error.to_string() }
}

impl std::fmt::Debug for Operations {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Operations")
    }
}

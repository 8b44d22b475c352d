//! What the communications channel is told, as snapshots of what it is about.
//!
//! Who may see what of it is decided per viewer, when a notice is encoded.

use std::sync::Arc;

use crate::venue::account::AccountId;

use super::batch::{Batch, BatchQuote, BestQuotes};
use super::model::{Quote, Rfq};

#[derive(Debug, Clone, PartialEq)]
pub enum Notice {
    RfqCreated(Rfq),
    RfqDeleted(Rfq),
    QuoteCreated(Quoted),
    QuoteAccepted(Quoted),
    QuoteExecuted(Quoted),
    BatchCreated {
        batch: Batch,
        rfqs: Vec<Rfq>,
    },
    /// `except` learn of the end in their own words.
    BatchDeleted {
        batch: Batch,
        except: Vec<AccountId>,
    },
    BatchQuoteCreated {
        batch_quote: BatchQuote,
        quotes: Vec<Quoted>,
    },
    BestQuotes {
        batch: Batch,
        best: BestQuotes,
        rfqs: Vec<Rfq>,
    },
    /// The children that one maker won.
    BatchQuoteAccepted {
        batch: Batch,
        batch_quote: BatchQuote,
        quotes: Vec<Quoted>,
    },
    BatchExecuted {
        batch: Batch,
        ended: Ended,
    },
    BatchQuoteExecuted {
        batch: Batch,
        batch_quote: BatchQuote,
        ended: Ended,
    },
}

/// A quote with the RFQ that it answers.
#[derive(Debug, Clone, PartialEq)]
pub struct Quoted {
    pub quote: Quote,
    pub rfq: Rfq,
}

/// How the children of a batch ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    pub executed: Vec<Arc<str>>,
    pub failed: Vec<Arc<str>>,
    pub ts_us: i64,
}

impl Ended {
    /// The channel's `close_reason`.
    pub fn reason(&self) -> &'static str {
        match (self.executed.is_empty(), self.failed.is_empty()) {
            (_, true) => "executed",
            (true, false) => "execution failed",
            (false, false) => "partially executed",
        }
    }
}

impl Notice {
    /// What the channel's shards are made by: the market, or the batch.
    pub fn shard_by(&self) -> &str {
        match self {
            Notice::RfqCreated(rfq) | Notice::RfqDeleted(rfq) => &rfq.ticker,
            Notice::QuoteCreated(quoted) | Notice::QuoteAccepted(quoted) | Notice::QuoteExecuted(quoted) => {
                &quoted.rfq.ticker
            }
            Notice::BatchCreated { batch, .. }
            | Notice::BatchDeleted { batch, .. }
            | Notice::BestQuotes { batch, .. }
            | Notice::BatchQuoteAccepted { batch, .. }
            | Notice::BatchExecuted { batch, .. }
            | Notice::BatchQuoteExecuted { batch, .. } => &batch.id,
            Notice::BatchQuoteCreated { batch_quote, .. } => &batch_quote.batch_id,
        }
    }

    /// Tells whether a member is told; `own_only` leaves out RFQs and batches of others.
    pub fn is_for(&self, member: AccountId, own_only: bool) -> bool {
        match self {
            Notice::RfqCreated(rfq) | Notice::RfqDeleted(rfq) => !own_only || rfq.creator.member == member,
            Notice::BatchCreated { batch, .. } => !own_only || batch.creator.member == member,
            Notice::BatchDeleted { batch, except } => {
                (!own_only || batch.creator.member == member) && !except.contains(&member)
            }
            Notice::QuoteCreated(quoted) | Notice::QuoteAccepted(quoted) | Notice::QuoteExecuted(quoted) => {
                quoted.quote.creator.member == member || quoted.rfq.creator.member == member
            }
            Notice::BestQuotes { batch, .. } | Notice::BatchExecuted { batch, .. } => {
                batch.creator.member == member
            }
            Notice::BatchQuoteCreated { batch_quote, .. }
            | Notice::BatchQuoteAccepted { batch_quote, .. }
            | Notice::BatchQuoteExecuted { batch_quote, .. } => batch_quote.creator.member == member,
        }
    }
}

//! The port to durable storage. One batch is one atomic commit or none.

use super::entry::StoredEntry;
use crate::desk::view::OrderView;

/// Entries of one or more steps, in sequence. The store commits a batch whole, possibly several batches in one commit.
#[derive(Debug, Clone, PartialEq)]
pub struct JournalBatch {
    pub entries: Vec<StoredEntry>,
    /// The orders these entries are about, as they stand after them: what a table for people shows.
    pub orders: Vec<OrderView>,
}

/// The queue to the store is full or closed; nothing was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the ledger's queue is full")]
pub struct JournalFull;

/// What the store reports back, in order, on the lane it was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JournalReport {
    /// Everything up to and including this sequence survives a power cut.
    Committed { up_to: u64 },
    /// The disk refuses, or has no room to spare. Nothing is lost: what was submitted is tried again, or taken in the room kept
    /// for it. Until `Resumed` nothing new may be promised.
    Stalled { reason: String },
    /// A stall is over.
    Resumed,
    /// The ledger refuses an entry for good, and with it all later ones: trading must stop.
    Failed { reason: String },
}

/// Where entries go. `submit` never blocks; durability is reported later.
pub trait Journal: Send {
    fn submit(&self, batch: JournalBatch) -> Result<(), JournalFull>;
}

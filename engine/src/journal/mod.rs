//! The journal: what happened, in order, and the port a store implements.
//!
//! State changes only by applying entries, live and at replay alike, so a restart is the same path as a start.

mod entry;
mod port;
mod replay;
mod standing;

pub use entry::{CloseReason, Entry, HaltMode, NewOrder, OrderSource, StoredEntry};
pub use port::{Journal, JournalBatch, JournalFull, JournalReport};
pub use replay::Replay;
pub use standing::{LedgerStanding, LedgerTurn};

//! A book as readers see it. Field names and order are the public API's.

use serde::Serialize;

use crate::domain::{Count, Price, Ticker};

/// Whether a book may be traded on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Trust {
    /// Every change since the snapshot was applied in sequence.
    Live,
    /// A gap, a contradiction or an unreadable frame: levels may be wrong until the next snapshot.
    Suspect,
    /// No connection, or no snapshot yet on this one: levels are as of the last connection.
    Stale,
}

/// Bids of both legs, best first. A YES ask at p is a NO bid at 1 - p.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BookView {
    pub ticker: Ticker,
    /// The venue's sequence number last applied.
    pub seq: u64,
    pub trust: Trust,
    /// Milliseconds since the last frame that touched this book, or since trust was lost.
    pub age_ms: u64,
    pub yes: Vec<(Price, Count)>,
    pub no: Vec<(Price, Count)>,
}

/// How far a book has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Watermark {
    /// The venue's sequence number last applied; counts on one subscription.
    pub seq: u64,
    /// The venue's clock of the book: everything at or below it is in the levels. The same on every connection, so that
    /// books of several can be compared. `None` while the venue has sent none.
    pub clock: Option<i64>,
}

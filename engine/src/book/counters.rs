//! What the book keeper counts. Written by its one thread, read by telemetry.

use std::sync::atomic::{AtomicU64, Ordering};

#[derive(Debug, Default)]
pub struct BookCounters {
    pub snapshots: AtomicU64,
    pub deltas: AtomicU64,
    pub trades: AtomicU64,
    pub gaps: AtomicU64,
    pub duplicates: AtomicU64,
    pub unreadable: AtomicU64,
    /// Deltas that could not be true of the book they were meant for.
    pub contradictions: AtomicU64,
    /// Deltas not applied because the book was not live.
    pub deltas_ignored: AtomicU64,
    /// Items of a retired connection.
    pub retired_items: AtomicU64,
    pub resyncs: AtomicU64,
    pub books: AtomicU64,
    pub books_live: AtomicU64,
}

impl BookCounters {
    pub(super) fn bump(counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

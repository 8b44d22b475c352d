//! What the ledger's writing thread counts. Written by it, read by readiness and metrics.

use std::sync::atomic::{AtomicBool, AtomicU64};

#[derive(Debug, Default)]
pub struct LedgerStats {
    /// Batches handed over and not yet committed.
    pub queued_batches: AtomicU64,
    pub entries: AtomicU64,
    pub commits: AtomicU64,
    pub failures: AtomicU64,
    pub retries: AtomicU64,
    pub dead_letters: AtomicU64,
    /// Microseconds all commits took together, the last one, and the longest.
    pub commit_us_sum: AtomicU64,
    pub commit_us_last: AtomicU64,
    pub commit_us_max: AtomicU64,
    pub batch_entries_max: AtomicU64,
    /// One write cycle was done since start, and none has failed for good since.
    pub is_healthy: AtomicBool,
}

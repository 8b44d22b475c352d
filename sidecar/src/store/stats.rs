//! What the ledger's writing thread counts. Written by it, read by readiness and metrics.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// From an eighth of a millisecond, a disk with a battery, to half a minute, one that hangs.
const COMMIT_BOUNDS_US: [u64; 10] =
    [125, 500, 2_000, 8_000, 32_000, 125_000, 500_000, 2_000_000, 8_000_000, 30_000_000];
const ENTRIES_BOUNDS: [u64; 10] = [1, 2, 4, 8, 16, 64, 256, 1_024, 4_096, 16_384];

/// Counts by size.
#[derive(Debug)]
pub struct Histogram {
    bounds: &'static [u64; 10],
    counts: [AtomicU64; 10],
    beyond: AtomicU64,
    sum: AtomicU64,
}

/// What was counted: the sum, how many fell into the bucket each bound closes (not cumulative), how many beyond the last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sizes {
    pub sum: u64,
    pub buckets: Vec<(u64, u64)>,
    pub beyond: u64,
}

impl Histogram {
    fn new(bounds: &'static [u64; 10]) -> Histogram {
        Histogram { bounds, counts: Default::default(), beyond: AtomicU64::new(0), sum: AtomicU64::new(0) }
    }

    fn observe(&self, size: u64) {
        let at = self.bounds.partition_point(|bound| *bound < size);
        self.counts.get(at).unwrap_or(&self.beyond).fetch_add(1, Relaxed);
        self.sum.fetch_add(size, Relaxed);
    }

    pub fn read(&self) -> Sizes {
        let counts = self.counts.iter().map(|count| count.load(Relaxed));
        let buckets = self.bounds.iter().copied().zip(counts).collect();
        Sizes { sum: self.sum.load(Relaxed), buckets, beyond: self.beyond.load(Relaxed) }
    }
}

/// A job is a batch handed over by the desk.
#[derive(Debug)]
pub struct LedgerStats {
    /// Batches handed over and not yet committed.
    pub queued_batches: AtomicU64,
    /// Jobs by state; `started` and `failed` count attempts.
    pub queued: AtomicU64,
    pub started: AtomicU64,
    pub succeeded: AtomicU64,
    pub failed: AtomicU64,
    pub dead_lettered: AtomicU64,
    pub entries: AtomicU64,
    /// Rows a table refused, and entries the journal refused.
    pub dead_letters: AtomicU64,
    /// Entries of each commit.
    pub commit_entries: Histogram,
    /// Microseconds each commit took.
    pub commit_us: Histogram,
    /// One write cycle was done since start, and nothing keeps the ledger from taking more now.
    pub is_healthy: AtomicBool,
    /// When the first job was queued, and microseconds from then to when the oldest waiting one was, plus one; 0 without one.
    begun: OnceLock<Instant>,
    oldest_us: AtomicU64,
}

impl Default for LedgerStats {
    fn default() -> LedgerStats {
        LedgerStats {
            queued_batches: AtomicU64::new(0),
            queued: AtomicU64::new(0),
            started: AtomicU64::new(0),
            succeeded: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            dead_lettered: AtomicU64::new(0),
            entries: AtomicU64::new(0),
            dead_letters: AtomicU64::new(0),
            commit_entries: Histogram::new(&ENTRIES_BOUNDS),
            commit_us: Histogram::new(&COMMIT_BOUNDS_US),
            is_healthy: AtomicBool::new(false),
            begun: OnceLock::new(),
            oldest_us: AtomicU64::new(0),
        }
    }
}

impl LedgerStats {
    /// Returns how long the oldest job has waited.
    pub fn oldest_age(&self, now: Instant) -> Duration {
        let since = self.oldest_us.load(Relaxed);
        match (self.begun.get(), since.checked_sub(1)) {
            (Some(begun), Some(us)) => now.saturating_duration_since(*begun + Duration::from_micros(us)),
            _ => Duration::ZERO,
        }
    }

    /// Counts a job that is about to be queued.
    pub(super) fn queued(&self, now: Instant) {
        self.queued.fetch_add(1, Relaxed);
        if self.queued_batches.fetch_add(1, Relaxed) == 0 {
            self.oldest(now);
        }
    }

    /// Takes it back: the queue was full.
    pub(super) fn unqueued(&self) {
        self.queued.fetch_sub(1, Relaxed);
        self.done(1);
    }

    /// Notes since when the oldest job waits.
    pub(super) fn oldest(&self, since: Instant) {
        let begun = self.begun.get_or_init(|| since);
        let us = u64::try_from(since.saturating_duration_since(*begun).as_micros()).unwrap_or(u64::MAX - 1);
        self.oldest_us.store(us + 1, Relaxed);
    }

    /// Notes that `jobs` wait no more.
    pub(super) fn done(&self, jobs: u64) {
        if self.queued_batches.fetch_sub(jobs, Relaxed) == jobs {
            self.oldest_us.store(0, Relaxed);
        }
    }

    pub(super) fn committed(&self, took_us: u64, entries: u64, dead_letters: u64) {
        self.entries.fetch_add(entries, Relaxed);
        self.dead_letters.fetch_add(dead_letters, Relaxed);
        self.commit_entries.observe(entries);
        self.commit_us.observe(took_us);
    }
}

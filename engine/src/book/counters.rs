//! What the book keeper counts. Written by its one thread, read by telemetry.

use std::sync::atomic::{AtomicU64, Ordering};

#[derive(Debug, Default)]
pub struct BookCounters {
    pub snapshots: AtomicU64,
    /// Snapshots not taken over: older than what is held, or older than what is known to be missing.
    pub snapshots_old: AtomicU64,
    pub deltas: AtomicU64,
    pub trades: AtomicU64,
    /// Trades a break had hidden and that were read back.
    pub trades_backfilled: AtomicU64,
    /// Reads of trades after a break; of those, the ones that failed and the ones that did not reach back far enough.
    pub trade_backfills: AtomicU64,
    pub trade_backfill_failures: AtomicU64,
    pub trade_backfills_cut: AtomicU64,
    pub gaps: AtomicU64,
    /// Subscriptions whose numbering began anew without being asked.
    pub resets: AtomicU64,
    pub duplicates: AtomicU64,
    pub unreadable: AtomicU64,
    /// Deltas and snapshots that could not be true of the book they were meant for.
    pub contradictions: AtomicU64,
    /// Deltas not applied because the book was not live, and not kept for its snapshot either.
    pub deltas_ignored: AtomicU64,
    /// Deltas that came while their book waited for a snapshot, and were applied after it by their clock.
    pub deltas_spliced: AtomicU64,
    /// Deltas that the snapshot before them contained already, by their clock.
    pub deltas_contained: AtomicU64,
    /// Books that began anew because their market's price grid changed.
    pub grid_changes: AtomicU64,
    /// Items of a retired connection or subscription.
    pub retired_items: AtomicU64,
    pub resyncs: AtomicU64,
    /// Of two strands: changes of books that each was the first to bring, and those the other one had brought already.
    pub strand_first: [AtomicU64; 2],
    pub strand_duplicates: AtomicU64,
    pub books: AtomicU64,
    pub books_live: AtomicU64,
    pub books_suspect: AtomicU64,
    /// Markets followed on the venue's stream.
    pub books_wanted: AtomicU64,
    /// Markets nobody was let follow because there were too many.
    pub wants_refused: AtomicU64,
    /// Books read by REST and found right, found wrong twice in a row, or not to be compared.
    pub truth_agrees: AtomicU64,
    pub truth_differs: AtomicU64,
    pub truth_undecided: AtomicU64,
    /// Data alarms raised.
    pub alarms_book: AtomicU64,
    pub alarms_trade: AtomicU64,
    pub alarms_ticker: AtomicU64,
}

impl BookCounters {
    pub(super) fn bump(counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn add(counter: &AtomicU64, count: usize) {
        counter.fetch_add(u64::try_from(count).unwrap_or(u64::MAX), Ordering::Relaxed);
    }
}

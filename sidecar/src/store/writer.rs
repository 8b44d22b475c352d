//! The ledger's writing thread and the queue to it. One batch is a job: queued, started, then succeeded, failed or dead-lettered.
//!
//! The queue is bounded. Full means the journal would lose an entry, so trading stops for good; the desk refuses orders with 503
//! long before. The queue keeps its order and each commit takes a bounded part of it, so no job starves and none holds up the rest.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use outrigger_engine::journal::{Journal, JournalBatch, JournalFull};

use super::committer::Committer;
use super::error::StoreError;
use super::line::{Job, Line, OnReport};
use super::read_back::VerifiedLedger;
use super::reserve::Reserve;
use super::stats::LedgerStats;

/// Batches the queue holds; the desk refuses commands long before it is full.
const QUEUE_BATCHES: usize = 16_384;
/// How long a stop waits for the queue to be committed; a disk that hangs must not hang the process.
const STOP_WITHIN: Duration = Duration::from_secs(15);
/// Thousands of cancels with all that is said about them.
const RESERVE_BYTES: u64 = 8 << 20;
const RESERVE_EVERY: Duration = Duration::from_secs(2);

/// Owns the ledger's connection. Dropping it without `stop` leaves the thread to end with its queue.
pub struct LedgerWriter {
    queue: SyncSender<Job>,
    thread: JoinHandle<()>,
    ended: Receiver<()>,
    stats: Arc<LedgerStats>,
}

/// The engine's port to this writer.
pub struct WriterJournal {
    queue: SyncSender<Job>,
    stats: Arc<LedgerStats>,
}

impl Journal for WriterJournal {
    fn submit(&self, batch: JournalBatch) -> Result<(), JournalFull> {
        let now = Instant::now();
        self.stats.queued(now);
        self.queue.try_send(Job::Batch(batch, now)).map_err(|error| {
            self.stats.unqueued();
            match error {
                TrySendError::Full(_) | TrySendError::Disconnected(_) => JournalFull,
            }
        })
    }
}

impl LedgerWriter {
    /// Starts the thread, after one write cycle that proves the ledger can be written.
    pub fn start(
        ledger: VerifiedLedger,
        stats: Arc<LedgerStats>,
        report: OnReport,
    ) -> Result<LedgerWriter, StoreError> {
        let reserve = Reserve::of(&ledger.site, RESERVE_BYTES, RESERVE_EVERY);
        LedgerWriter::start_with(ledger, reserve, stats, report)
    }

    pub(super) fn start_with(
        ledger: VerifiedLedger,
        reserve: Reserve,
        stats: Arc<LedgerStats>,
        report: OnReport,
    ) -> Result<LedgerWriter, StoreError> {
        let line = Line::new(Committer::new(ledger)?, reserve, Arc::clone(&stats), report);
        let (queue, jobs) = sync_channel(QUEUE_BATCHES);
        let (end_sender, ended) = sync_channel(1);
        let thread = thread::Builder::new()
            .name("ledger-writer".to_owned())
            .spawn(move || {
                line.run(&jobs);
                let _ = end_sender.send(());
            })
            .map_err(StoreError::io("start the ledger's thread"))?;
        Ok(LedgerWriter { queue, thread, ended, stats })
    }

    pub fn journal(&self) -> WriterJournal {
        WriterJournal { queue: self.queue.clone(), stats: Arc::clone(&self.stats) }
    }

    /// Commits all that waits, folds the write-ahead log into the file, and ends the thread. Gives up on a disk that hangs or
    /// refuses; returns whether all was written.
    pub fn stop(self) -> bool {
        let deadline = Instant::now() + STOP_WITHIN;
        while let Err(TrySendError::Full(_)) = self.queue.try_send(Job::Stop) {
            if Instant::now() >= deadline {
                return false;
            }
            thread::sleep(Duration::from_millis(5));
        }
        let left = deadline.saturating_duration_since(Instant::now());
        if matches!(self.ended.recv_timeout(left), Err(RecvTimeoutError::Timeout)) {
            tracing::error!(
                "the ledger's thread did not end in time; what waits in its queue was never acknowledged"
            );
            return false;
        }
        self.thread.join().is_ok() && self.stats.queued_batches.load(Relaxed) == 0
    }
}

//! The ledger's one writing thread: takes all that waits, commits it at once, reports what is durable.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rusqlite::{Connection, ErrorCode, TransactionBehavior};

use outrigger_engine::journal::{Journal, JournalBatch, JournalFull, JournalReport};

use super::append::append;
use super::chain::Hash;
use super::error::StoreError;
use super::stats::LedgerStats;

/// Batches the queue holds; the desk refuses commands long before it is full.
const QUEUE_BATCHES: usize = 16_384;
/// Entries one commit takes at most, so that the first of them does not wait for ever.
const COMMIT_ENTRIES_MAX: usize = 4_096;
/// Waits between attempts at a commit that met a busy or failing disk.
const RETRY_DELAYS_MS: [u64; 5] = [5, 20, 80, 300, 1_000];

enum Job {
    Batch(JournalBatch),
    Stop,
}

/// Reports are called on the writing thread, in order.
pub(super) type OnReport = Box<dyn Fn(JournalReport) + Send>;

/// Owns the ledger's connection. Dropping it without `stop` leaves the thread to end with its queue.
pub struct LedgerWriter {
    queue: SyncSender<Job>,
    thread: JoinHandle<()>,
    stats: Arc<LedgerStats>,
}

/// The engine's port to this writer.
pub struct WriterJournal {
    queue: SyncSender<Job>,
    stats: Arc<LedgerStats>,
}

impl Journal for WriterJournal {
    fn submit(&self, batch: JournalBatch) -> Result<(), JournalFull> {
        self.stats.queued_batches.fetch_add(1, Relaxed);
        self.queue.try_send(Job::Batch(batch)).map_err(|error| {
            self.stats.queued_batches.fetch_sub(1, Relaxed);
            match error {
                TrySendError::Full(_) | TrySendError::Disconnected(_) => JournalFull,
            }
        })
    }
}

impl LedgerWriter {
    /// Starts the thread on a ledger whose chain ends in `end`, after one write cycle that proves it can write.
    pub fn start(
        mut connection: Connection,
        end: [u8; 32],
        stats: Arc<LedgerStats>,
        report: OnReport,
    ) -> Result<LedgerWriter, StoreError> {
        prove_writable(&mut connection).map_err(StoreError::sqlite("write to the ledger"))?;
        stats.is_healthy.store(true, Relaxed);
        let (queue, jobs) = sync_channel(QUEUE_BATCHES);
        let writer = Writer { connection, end, stats: Arc::clone(&stats), report };
        let thread = thread::Builder::new()
            .name("ledger-writer".to_owned())
            .spawn(move || writer.run(&jobs))
            .map_err(StoreError::io("start the ledger's thread"))?;
        Ok(LedgerWriter { queue, thread, stats })
    }

    pub fn journal(&self) -> WriterJournal {
        WriterJournal { queue: self.queue.clone(), stats: Arc::clone(&self.stats) }
    }

    /// Commits all that waits, folds the write-ahead log into the file, and ends the thread.
    pub fn stop(self) {
        if self.queue.send(Job::Stop).is_ok() {
            let _ = self.thread.join();
        }
    }
}

/// One empty-handed write cycle: the lock, the disk and the commit all work.
fn prove_writable(connection: &mut Connection) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute(
        "INSERT INTO meta (key, value) VALUES ('opened', '1')
                         ON CONFLICT (key) DO UPDATE SET value = value + 1",
        [],
    )?;
    transaction.commit()
}

struct Writer {
    connection: Connection,
    end: Hash,
    stats: Arc<LedgerStats>,
    report: OnReport,
}

impl Writer {
    fn run(mut self, jobs: &Receiver<Job>) {
        let mut stopping = false;
        while !stopping {
            let Ok(first) = jobs.recv() else { break };
            let mut batches = Vec::new();
            let mut entries = 0;
            let mut next = Some(first);
            while let Some(job) = next {
                match job {
                    Job::Batch(batch) => {
                        entries += batch.entries.len();
                        batches.push(batch);
                    }
                    Job::Stop => stopping = true,
                }
                next = if entries < COMMIT_ENTRIES_MAX && !stopping { jobs.try_recv().ok() } else { None };
            }
            if !batches.is_empty() {
                self.commit(&batches, entries);
            }
        }
        if let Err(error) = self.connection.pragma_update(None, "wal_checkpoint", "TRUNCATE") {
            tracing::warn!(%error, "the ledger's write-ahead log was not folded in; the next start does it");
        }
    }

    /// Commits `batches` in one transaction, trying again while the cause may pass.
    fn commit(&mut self, batches: &[JournalBatch], entries: usize) {
        let started = Instant::now();
        let mut delays = RETRY_DELAYS_MS.iter();
        let outcome = loop {
            match self.try_commit(batches) {
                Ok(end) => break Ok(end),
                Err(error) => match delays.next().filter(|_| may_pass(&error)) {
                    Some(delay_ms) => {
                        self.stats.retries.fetch_add(1, Relaxed);
                        tracing::warn!(%error, delay_ms, "the ledger's commit failed, trying again");
                        thread::sleep(Duration::from_millis(*delay_ms));
                    }
                    None => break Err(error),
                },
            }
        };
        self.stats.queued_batches.fetch_sub(batches.len() as u64, Relaxed);
        match outcome {
            Ok(end) => {
                self.end = end;
                self.count(started, entries);
                let up_to = batches.iter().flat_map(|batch| &batch.entries).map(|entry| entry.seq).max();
                (self.report)(JournalReport::Committed { up_to: up_to.unwrap_or(0) });
            }
            Err(error) => {
                self.stats.failures.fetch_add(1, Relaxed);
                self.stats.is_healthy.store(false, Relaxed);
                self.bury(batches, &error);
                (self.report)(JournalReport::Failed { reason: error.to_string() });
            }
        }
    }

    fn try_commit(&mut self, batches: &[JournalBatch]) -> rusqlite::Result<Hash> {
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut end = self.end;
        for batch in batches {
            end = append(&transaction, end, &batch.entries, &batch.orders)?;
        }
        transaction.commit()?;
        Ok(end)
    }

    fn count(&self, started: Instant, entries: usize) {
        let took_us = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.stats.commits.fetch_add(1, Relaxed);
        self.stats.entries.fetch_add(entries as u64, Relaxed);
        self.stats.commit_us_sum.fetch_add(took_us, Relaxed);
        self.stats.commit_us_last.store(took_us, Relaxed);
        self.stats.commit_us_max.fetch_max(took_us, Relaxed);
        self.stats.batch_entries_max.fetch_max(entries as u64, Relaxed);
    }

    /// Keeps what could not be committed where a person finds it, if the database takes even that.
    fn bury(&self, batches: &[JournalBatch], error: &rusqlite::Error) {
        for entry in batches.iter().flat_map(|batch| &batch.entries) {
            let payload = serde_json::to_string(entry).unwrap_or_default();
            let sql = "INSERT INTO dead_letters (at_us, reason, payload) VALUES (?1, ?2, ?3)";
            match self.connection.execute(sql, rusqlite::params![entry.at.0, error.to_string(), payload]) {
                Ok(_) => {
                    self.stats.dead_letters.fetch_add(1, Relaxed);
                }
                Err(second) => {
                    tracing::error!(seq = entry.seq, error = %second, "an entry could not even be buried")
                }
            }
        }
    }
}

/// Tells whether a later attempt may succeed: someone else holds the lock, or the disk failed for a moment.
fn may_pass(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(
            ErrorCode::DatabaseBusy
                | ErrorCode::DatabaseLocked
                | ErrorCode::SystemIoFailure
                | ErrorCode::DiskFull
        )
    )
}

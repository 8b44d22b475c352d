//! The ledger's one writing thread: takes all that waits, commits it at once, reports what is durable.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rusqlite::{Connection, ErrorCode, TransactionBehavior};

use outrigger_engine::journal::{Journal, JournalBatch, JournalFull, JournalReport};

use super::append::append;
use super::chain::Hash;
use super::error::StoreError;
use super::mark::Mark;
use super::read_back::VerifiedLedger;
use super::stats::LedgerStats;

/// Batches the queue holds; the desk refuses commands long before it is full.
const QUEUE_BATCHES: usize = 16_384;
/// Entries one commit takes at most, so that the first of them does not wait for ever.
const COMMIT_ENTRIES_MAX: usize = 4_096;
/// Waits between attempts at a commit that met a busy or failing disk.
const RETRY_DELAYS_MS: [u64; 5] = [5, 20, 80, 300, 1_000];
/// How long a stop waits for the queue to be committed; a disk that hangs must not hang the process.
const STOP_WITHIN: Duration = Duration::from_secs(15);

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
    /// Starts the thread, after one write cycle that proves the ledger can be written.
    pub fn start(
        ledger: VerifiedLedger,
        stats: Arc<LedgerStats>,
        report: OnReport,
    ) -> Result<LedgerWriter, StoreError> {
        let VerifiedLedger { mut connection, end, .. } = ledger;
        prove_writable(&mut connection).map_err(StoreError::sqlite("write to the ledger"))?;
        stats.is_healthy.store(true, Relaxed);
        let mark = Mark::open(Path::new(connection.path().unwrap_or_default()));
        let mark = mark.map_err(StoreError::io("open the ledger's mark"))?;
        let (queue, jobs) = sync_channel(QUEUE_BATCHES);
        let (end_sender, ended) = sync_channel(1);
        let writer = Writer { connection, end, mark, stats: Arc::clone(&stats), report, failure: None };
        let thread = thread::Builder::new()
            .name("ledger-writer".to_owned())
            .spawn(move || {
                writer.run(&jobs);
                let _ = end_sender.send(());
            })
            .map_err(StoreError::io("start the ledger's thread"))?;
        Ok(LedgerWriter { queue, thread, ended, stats })
    }

    pub fn journal(&self) -> WriterJournal {
        WriterJournal { queue: self.queue.clone(), stats: Arc::clone(&self.stats) }
    }

    /// Commits all that waits, folds the write-ahead log into the file, and ends the thread. Gives up on a disk that hangs;
    /// returns whether all was written.
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
        self.thread.join().is_ok()
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
    set_clean(&transaction, false)?;
    transaction.commit()
}

/// Remembers whether the ledger was closed in order; if not, the next start looks at every page.
fn set_clean(connection: &Connection, clean: bool) -> rusqlite::Result<usize> {
    let sql = "INSERT INTO meta (key, value) VALUES ('clean', ?1) ON CONFLICT (key) DO UPDATE SET value = ?1";
    connection.execute(sql, [if clean { "1" } else { "0" }])
}

struct Writer {
    connection: Connection,
    end: Hash,
    mark: Mark,
    /// Why a batch could not be committed. Nothing is committed after it: the journal has no gaps.
    failure: Option<String>,
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
                self.commit(&batches);
            }
        }
        let closed = match self.failure {
            None => set_clean(&self.connection, true).and_then(|_| fold(&self.connection)),
            Some(_) => fold(&self.connection),
        };
        if let Err(error) = closed {
            tracing::warn!(%error, "the ledger's write-ahead log was not folded in; the next start does it");
        }
    }

    fn commit(&mut self, batches: &[JournalBatch]) {
        if self.failure.is_none() {
            match self.commit_retrying(batches) {
                Ok(()) => {}
                // One batch spoils the transaction for all: those before it are still good.
                Err(error) if batches.len() > 1 && !may_pass(&error) => self.commit_singly(batches),
                Err(error) => self.fail(batches, error.to_string()),
            }
        } else if let Some(reason) = self.failure.clone() {
            self.fail(batches, reason);
        }
        self.stats.queued_batches.fetch_sub(batches.len() as u64, Relaxed);
    }

    fn commit_singly(&mut self, batches: &[JournalBatch]) {
        for (at, batch) in batches.iter().enumerate() {
            if let Err(error) = self.commit_retrying(std::slice::from_ref(batch)) {
                self.fail(batches.get(at..).unwrap_or_default(), error.to_string());
                return;
            }
        }
    }

    /// Commits `batches` in one transaction, trying again while the cause may pass, and reports them durable.
    fn commit_retrying(&mut self, batches: &[JournalBatch]) -> rusqlite::Result<()> {
        let started = Instant::now();
        let mut delays = RETRY_DELAYS_MS.iter();
        let end = loop {
            match self.try_commit(batches) {
                Ok(end) => break end,
                Err(error) => {
                    let Some(delay_ms) = delays.next().filter(|_| may_pass(&error)) else {
                        return Err(error);
                    };
                    self.stats.retries.fetch_add(1, Relaxed);
                    tracing::warn!(%error, delay_ms, "the ledger's commit failed, trying again");
                    thread::sleep(Duration::from_millis(*delay_ms));
                }
            }
        };
        self.end = end;
        let entries = batches.iter().map(|batch| batch.entries.len()).sum();
        self.count(started, entries);
        let up_to = batches.iter().flat_map(|batch| &batch.entries).map(|entry| entry.seq).max().unwrap_or(0);
        if let Err(error) = self.mark.write(up_to, &end) {
            tracing::warn!(%error, "the ledger's mark was not written; a lost end might not be noticed");
        }
        (self.report)(JournalReport::Committed { up_to });
        Ok(())
    }

    fn fail(&mut self, batches: &[JournalBatch], reason: String) {
        self.stats.failures.fetch_add(1, Relaxed);
        self.stats.is_healthy.store(false, Relaxed);
        self.bury(batches, &reason);
        self.failure = Some(reason.clone());
        (self.report)(JournalReport::Failed { reason });
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
    fn bury(&self, batches: &[JournalBatch], reason: &str) {
        for entry in batches.iter().flat_map(|batch| &batch.entries) {
            let payload = serde_json::to_string(entry).unwrap_or_default();
            let sql = "INSERT INTO dead_letters (at_us, reason, payload) VALUES (?1, ?2, ?3)";
            match self.connection.execute(sql, rusqlite::params![entry.at.0, reason, payload]) {
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

/// Moves what the write-ahead log holds into the file itself.
fn fold(connection: &Connection) -> rusqlite::Result<()> {
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
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

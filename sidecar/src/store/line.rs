//! The line of jobs: takes all that waits, commits it at once, reports what is durable, and tries again what may succeed later.
//!
//! Nothing that was submitted is skipped: the desk has it in its state already, and the journal has no gaps. While the disk refuses,
//! trading is stopped and the same entries are tried again and again; when they are in, trading goes on.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use outrigger_engine::journal::{JournalBatch, JournalReport};

use super::committer::{Committer, Outlook, outlook};
use super::reserve::Reserve;
use super::stats::LedgerStats;

/// Entries one commit takes at most, so that the first of them does not wait for ever.
const COMMIT_ENTRIES_MAX: usize = 4_096;
/// Waits between attempts at a commit that met a busy or failing disk; the last one is kept up.
const RETRY_DELAYS_MS: [u64; 6] = [5, 20, 80, 300, 1_000, 2_000];
/// Attempts a stop makes before it gives up on what was never acknowledged.
const ATTEMPTS_AT_STOP: usize = 5;

pub(super) enum Job {
    Batch(JournalBatch, Instant),
    Stop,
}

/// Reports are called on the writing thread, in order.
pub(super) type OnReport = Box<dyn Fn(JournalReport) + Send>;

/// What keeps trading stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trouble {
    None,
    /// The disk refuses; what is pending is tried again.
    Stalled,
    /// Commits succeed in the room the reserve has given up.
    OnReserve,
    /// The ledger refuses an entry for good. Nothing is committed after it.
    Lost,
}

pub(super) struct Line {
    committer: Committer,
    reserve: Reserve,
    stats: Arc<LedgerStats>,
    report: OnReport,
    pending: Vec<(JournalBatch, Instant)>,
    trouble: Trouble,
    /// Failed attempts at what is pending.
    attempts: usize,
    /// When the next attempt, at a commit or at the reserve, is due.
    next: Instant,
}

impl Line {
    pub(super) fn new(
        committer: Committer,
        reserve: Reserve,
        stats: Arc<LedgerStats>,
        report: OnReport,
    ) -> Line {
        stats.is_healthy.store(true, Relaxed);
        let (pending, next) = (Vec::new(), Instant::now());
        let mut line =
            Line { committer, reserve, stats, report, pending, trouble: Trouble::None, attempts: 0, next };
        line.take_reserve();
        line
    }

    pub(super) fn run(mut self, jobs: &Receiver<Job>) {
        let mut stopping = false;
        while !stopping {
            stopping = self.gather(jobs);
            self.work();
        }
        while !self.pending.is_empty() && self.trouble != Trouble::Lost && self.attempts < ATTEMPTS_AT_STOP {
            std::thread::sleep(self.next.saturating_duration_since(Instant::now()));
            self.work();
        }
        let is_whole = self.pending.is_empty() && self.trouble != Trouble::Lost;
        self.committer.close(is_whole);
    }

    /// Waits for jobs, or until the next attempt is due, and takes what one commit may. Returns whether to stop.
    fn gather(&mut self, jobs: &Receiver<Job>) -> bool {
        let mut entries: usize = self.pending.iter().map(|(batch, _)| batch.entries.len()).sum();
        let is_waiting = !self.pending.is_empty() || self.trouble == Trouble::OnReserve;
        let mut next = if !is_waiting {
            jobs.recv().map_err(|_| RecvTimeoutError::Disconnected)
        } else if entries < COMMIT_ENTRIES_MAX {
            jobs.recv_timeout(self.next.saturating_duration_since(Instant::now()))
        } else {
            std::thread::sleep(self.next.saturating_duration_since(Instant::now()));
            return false;
        };
        loop {
            match next {
                Ok(Job::Batch(batch, at)) => {
                    entries += batch.entries.len();
                    self.pending.push((batch, at));
                }
                Ok(Job::Stop) | Err(RecvTimeoutError::Disconnected) => return true,
                Err(RecvTimeoutError::Timeout) => return false,
            }
            if entries >= COMMIT_ENTRIES_MAX {
                return false;
            }
            next = match jobs.try_recv() {
                Ok(job) => Ok(job),
                Err(_) => return false,
            };
        }
    }

    /// Makes the attempts that are due.
    fn work(&mut self) {
        let is_due = Instant::now() >= self.next;
        if self.trouble == Trouble::Lost {
            self.give_up("the ledger refused an entry before");
        } else if !self.pending.is_empty() && (self.attempts == 0 || is_due) {
            self.commit();
        } else if self.trouble == Trouble::OnReserve && is_due {
            self.take_reserve();
        }
    }

    fn commit(&mut self) {
        let started = Instant::now();
        let jobs = self.pending.len() as u64;
        if let Some((_, since)) = self.pending.first() {
            self.stats.oldest(*since);
        }
        self.stats.started.fetch_add(jobs, Relaxed);
        tracing::debug!(state = "started", jobs, "ledger");
        match self.committer.commit(self.pending.iter().map(|(batch, _)| batch)) {
            Ok(committed) => {
                let took_us = micros(started.elapsed());
                self.stats.committed(took_us, committed.entries, committed.dead_letters);
                tracing::debug!(state = "succeeded", jobs, up_to = committed.up_to, took_us, "ledger");
                self.stats.succeeded.fetch_add(jobs, Relaxed);
                self.empty();
                self.attempts = 0;
                (self.report)(JournalReport::Committed { up_to: committed.up_to });
                if self.trouble == Trouble::Stalled {
                    self.resume();
                }
            }
            Err(error) => self.failed(&error),
        }
    }

    fn failed(&mut self, error: &rusqlite::Error) {
        let jobs = self.pending.len() as u64;
        let delay_ms = RETRY_DELAYS_MS.get(self.attempts).or(RETRY_DELAYS_MS.last()).copied().unwrap_or(0);
        self.attempts += 1;
        self.stats.failed.fetch_add(jobs, Relaxed);
        tracing::warn!(state = "failed", jobs, %error, attempt = self.attempts, delay_ms, "ledger");
        let delay = Duration::from_millis(delay_ms);
        self.next = Instant::now() + delay;
        match outlook(error) {
            // The desk itself sees when this takes too long.
            Outlook::Busy => {}
            Outlook::Full if self.trouble != Trouble::OnReserve => {
                self.reserve.release();
                self.stall(
                    Trouble::OnReserve,
                    format!("the disk is full ({error}), the reserve was given up"),
                );
                self.next = Instant::now();
            }
            Outlook::Full | Outlook::Fault => {
                if self.trouble == Trouble::None {
                    self.stall(Trouble::Stalled, format!("the disk refuses: {error}"));
                }
            }
            Outlook::Never => {
                self.stats.is_healthy.store(false, Relaxed);
                self.trouble = Trouble::Lost;
                self.give_up(&error.to_string());
                (self.report)(JournalReport::Failed { reason: error.to_string() });
            }
        }
    }

    /// Trading stops; nothing is lost yet.
    fn stall(&mut self, trouble: Trouble, reason: String) {
        self.trouble = trouble;
        self.stats.is_healthy.store(false, Relaxed);
        tracing::error!(reason, "the ledger stalls, trading stops until it goes on");
        (self.report)(JournalReport::Stalled { reason });
    }

    fn resume(&mut self) {
        self.trouble = Trouble::None;
        self.stats.is_healthy.store(true, Relaxed);
        tracing::info!("the ledger goes on");
        (self.report)(JournalReport::Resumed);
    }

    /// Without a reserve there is no trading: a disk that becomes full could not even record a cancel.
    fn take_reserve(&mut self) {
        match (self.reserve.take(), self.trouble) {
            (Ok(()), Trouble::OnReserve) => self.resume(),
            (Ok(()), _) => {}
            (Err(error), Trouble::None) => {
                self.stall(Trouble::OnReserve, format!("there is no room for the ledger's reserve: {error}"));
            }
            (Err(error), _) => tracing::debug!(%error, "still no room for the ledger's reserve"),
        }
        self.next = Instant::now() + self.reserve.every;
    }

    /// Buries what is pending: no later entry may stand in the journal without these.
    fn give_up(&mut self, reason: &str) {
        let buried = self.committer.bury(self.pending.iter().map(|(batch, _)| batch), reason);
        let jobs = self.pending.len() as u64;
        self.stats.dead_lettered.fetch_add(jobs, Relaxed);
        self.stats.dead_letters.fetch_add(buried, Relaxed);
        tracing::error!(state = "dead_lettered", jobs, reason, "ledger");
        self.empty();
    }

    fn empty(&mut self) {
        self.stats.done(self.pending.len() as u64);
        self.pending.clear();
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

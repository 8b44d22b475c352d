//! Captures: every raw frame of the exchange's socket, with when it came, in compressed files for later replay.
//!
//! A thread of its own writes; what it is given waits in a bounded lane. A full lane costs frames of the capture, counted
//! and marked where they are missing, never time of the stream. A disk that refuses ends the capture, not the trading.

mod file;
mod inspect;
mod lane;
mod line;
mod retention;
mod writer;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;

use outrigger_engine::domain::{Clock, Generation, Now, WallTime};
use parking_lot::Mutex;

use super::error::StoreError;
pub use inspect::{Ending, Look, captures_in, look};
use lane::{Kind, Lane};

/// Room for the writer to fall seconds behind a very busy feed.
const LANE_BYTES: usize = 16 << 20;
const LANE_ITEMS: usize = 65_536;
/// A hanging disk must not keep the process.
const STOP_WITHIN: Duration = Duration::from_secs(3);

/// Where captures go and how much of them is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CapturePlan {
    pub directory: PathBuf,
    /// Files last written longer ago than this are deleted.
    pub retention: Duration,
    /// Bytes all files may take together, compressed; the oldest are deleted first.
    pub bytes_max: u64,
}

#[derive(Debug, Default)]
pub struct CaptureStats {
    /// Frames received and commands sent that were written.
    pub frames: AtomicU64,
    /// The same that were not: the lane was full, or the disk refused.
    pub dropped: AtomicU64,
    /// Bytes written, compressed.
    pub bytes: AtomicU64,
    /// Files there are.
    pub files: AtomicU64,
    /// Whether frames are being recorded.
    pub is_running: AtomicBool,
    problem: Mutex<Option<(String, WallTime)>>,
}

impl CaptureStats {
    /// Returns why the capture ended before it was asked to, and when.
    pub fn problem(&self) -> Option<(String, WallTime)> {
        self.problem.lock().clone()
    }

    /// Takes note of why nothing is recorded, and tells it once.
    pub fn failed(&self, what: String, at: WallTime) {
        tracing::error!(event = "capture_failed", problem = what, "the capture ended");
        self.is_running.store(false, Relaxed);
        *self.problem.lock() = Some((what, at));
    }
}

/// The recording end.
pub struct Capture {
    lane: Arc<Lane>,
    stats: Arc<CaptureStats>,
    ended: Mutex<Receiver<()>>,
}

impl Capture {
    /// Makes the directory and starts the thread. The first file is made with the first frame.
    pub fn start(plan: CapturePlan, stats: Arc<CaptureStats>, clock: Clock) -> Result<Capture, StoreError> {
        file::make_directory(&plan.directory)
            .map_err(|source| StoreError::Directory { directory: plan.directory.clone(), source })?;
        let lane = Arc::new(Lane::new(LANE_ITEMS, LANE_BYTES));
        let (end, ended) = sync_channel(1);
        let mut writer = writer::Writer::new(plan, Arc::clone(&stats), clock, file::create);
        let feed = Arc::clone(&lane);
        stats.is_running.store(true, Relaxed);
        std::thread::Builder::new()
            .name("capture-writer".to_owned())
            .spawn(move || {
                writer.run(&feed);
                drop(end);
            })
            .map_err(StoreError::io("start the capture's thread"))?;
        Ok(Capture { lane, stats, ended: Mutex::new(ended) })
    }

    pub fn opened(&self, generation: Generation, at: Now) {
        self.put(Kind::Opened, generation, at, b"");
    }

    pub fn received(&self, generation: Generation, at: Now, frame: &[u8]) {
        self.put(Kind::Received, generation, at, frame);
    }

    pub fn sent(&self, generation: Generation, at: Now, command: &str) {
        self.put(Kind::Sent, generation, at, command.as_bytes());
    }

    pub fn closed(&self, generation: Generation, at: Now, reason: &str) {
        self.put(Kind::Closed, generation, at, reason.as_bytes());
    }

    fn put(&self, kind: Kind, generation: Generation, at: Now, bytes: &[u8]) {
        if !self.lane.push(kind, generation, at, bytes) && kind.is_frame() {
            self.stats.dropped.fetch_add(1, Relaxed);
        }
    }

    /// Writes what waits, ends the file and the thread. Returns whether that was done in time.
    pub fn stop(&self) -> bool {
        self.lane.close();
        let ended = self.ended.lock().recv_timeout(STOP_WITHIN);
        ended != Err(std::sync::mpsc::RecvTimeoutError::Timeout)
    }
}

#[cfg(test)]
mod tests;

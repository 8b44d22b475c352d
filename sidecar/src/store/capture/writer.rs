//! The capture's thread: takes what waits, writes it, begins and ends files, drops old ones.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use outrigger_engine::domain::{Clock, Monotonic, Now};

use super::file::{self, CaptureFile, Create};
use super::lane::{Batch, Lane};
use super::{CapturePlan, CaptureStats, line, retention};

const HOUR_US: i64 = 3_600_000_000;
/// How often the thread looks at its lane, and how long a line may wait to be safe from a killed process.
const LOOK_EVERY: Duration = Duration::from_millis(250);
const FLUSH_EVERY_MS: u64 = 1_000;
const PRUNE_EVERY_MS: u64 = 60_000;
/// A file that can be sent to somebody. Of a small total a quarter, so that there is something to delete.
const FILE_BYTES_MAX: u64 = 128 << 20;

pub(super) struct Writer {
    plan: CapturePlan,
    stats: Arc<CaptureStats>,
    clock: Clock,
    create: Create,
    /// What this process's files have in common.
    run: i64,
    open: Option<CaptureFile>,
    /// How many bytes of it the figures know of.
    counted_bytes: u64,
    lines: Vec<u8>,
    flushed: Monotonic,
    pruned: Monotonic,
}

impl Writer {
    pub(super) fn new(plan: CapturePlan, stats: Arc<CaptureStats>, clock: Clock, create: Create) -> Writer {
        let now = clock();
        Writer {
            plan,
            stats,
            clock,
            create,
            run: now.wall.0,
            open: None,
            counted_bytes: 0,
            lines: Vec::new(),
            flushed: now.monotonic,
            pruned: now.monotonic,
        }
    }

    /// Writes until the lane is closed or the disk refuses.
    pub(super) fn run(&mut self, lane: &Lane) {
        let mut ended = self.prune((self.clock)());
        let mut batch = Batch::default();
        let mut goes_on = true;
        while ended.is_ok() && goes_on {
            goes_on = lane.take(&mut batch, LOOK_EVERY);
            ended = self.batch(&batch);
        }
        if ended.is_ok() {
            batch = Batch::default();
            ended = self.finish();
        }
        self.stats.is_running.store(false, Relaxed);
        if let Err(error) = ended {
            lane.close();
            self.give_up(&error, batch.frames() + lane.rest());
        }
    }

    fn give_up(&self, error: &io::Error, frames_lost: u64) {
        self.stats.dropped.fetch_add(frames_lost, Relaxed);
        let what = format!(
            "the capture of the exchange's stream ended, trading goes on: {}: {error}; make room and start again",
            self.plan.directory.display()
        );
        self.stats.failed(what, (self.clock)().wall);
    }

    fn batch(&mut self, batch: &Batch) -> io::Result<()> {
        for passed in batch.iter() {
            let hour = passed.at.wall.0.div_euclid(HOUR_US);
            if self
                .open
                .as_ref()
                .is_none_or(|open| open.hour != hour || open.bytes() >= self.file_bytes_max())
            {
                self.next_file(passed.at, hour)?;
            }
            self.lines.clear();
            line::write(&mut self.lines, &passed);
            if let Some(open) = &mut self.open {
                open.write(&self.lines)?;
            }
        }
        let now = (self.clock)();
        if now.monotonic.millis_since(self.flushed) >= FLUSH_EVERY_MS {
            self.flushed = now.monotonic;
            self.flush()?;
        }
        if now.monotonic.millis_since(self.pruned) >= PRUNE_EVERY_MS {
            self.prune(now)?;
        }
        self.stats.frames.fetch_add(batch.frames(), Relaxed);
        Ok(())
    }

    fn file_bytes_max(&self) -> u64 {
        FILE_BYTES_MAX.min(self.plan.bytes_max / 4)
    }

    fn next_file(&mut self, at: Now, hour: i64) -> io::Result<()> {
        self.finish()?;
        let path = file::path_at(&self.plan.directory, at.wall);
        let mut open = CaptureFile::begin(path, hour, self.create)?;
        self.lines.clear();
        line::head(&mut self.lines, at, self.run);
        open.write(&self.lines)?;
        self.open = Some(open);
        self.prune((self.clock)())
    }

    fn flush(&mut self) -> io::Result<()> {
        let Some(open) = &mut self.open else { return Ok(()) };
        open.flush()?;
        self.stats.bytes.fetch_add(open.bytes().saturating_sub(self.counted_bytes), Relaxed);
        self.counted_bytes = open.bytes();
        Ok(())
    }

    fn finish(&mut self) -> io::Result<()> {
        let Some(open) = self.open.take() else { return Ok(()) };
        let bytes = open.finish()?;
        self.stats.bytes.fetch_add(bytes.saturating_sub(self.counted_bytes), Relaxed);
        self.counted_bytes = 0;
        Ok(())
    }

    fn prune(&mut self, now: Now) -> io::Result<()> {
        self.pruned = now.monotonic;
        let current: Option<&Path> = self.open.as_ref().map(|open| &*open.path);
        let files = retention::prune(&self.plan, current, now.wall)?;
        self.stats.files.store(files, Relaxed);
        Ok(())
    }
}

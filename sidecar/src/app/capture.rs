//! The capture of raw frames: shown what passes on the exchange's socket, hands it to the store.

use std::sync::Arc;
use std::time::Duration;

use outrigger_connectors::{FrameSink, Passing};
use outrigger_engine::domain::{Clock, Generation, Now};

use crate::config::Effective;
use crate::store::{Capture, CapturePlan, CaptureStats};

/// The running capture, if it is switched on and could be started.
pub(super) struct Captured {
    capture: Option<Arc<Capture>>,
    pub(super) stats: Arc<CaptureStats>,
}

/// Starts the capture. One that cannot start is a problem that is told, never a reason not to trade.
pub(super) fn start(config: &Effective, clock: &Clock) -> Captured {
    let stats = Arc::new(CaptureStats::default());
    let store = &config.store;
    if !store.capture {
        return Captured { capture: None, stats };
    }
    let plan = CapturePlan {
        directory: store.capture_dir.clone(),
        retention: Duration::from_secs(store.capture_retention_hours.saturating_mul(3_600)),
        bytes_max: store.capture_max_bytes,
    };
    let capture = match Capture::start(plan, Arc::clone(&stats), Arc::clone(clock)) {
        Ok(capture) => Some(Arc::new(capture)),
        Err(error) => {
            stats.failed(format!("the exchange's stream is not captured: {error}"), clock().wall);
            None
        }
    };
    Captured { capture, stats }
}

impl Captured {
    /// Returns what the connector shows its frames.
    pub(super) fn sink(&self) -> Option<Arc<dyn FrameSink>> {
        self.capture.as_ref().map(|capture| Arc::new(Recorder(Arc::clone(capture))) as _)
    }

    /// Ends the file in which is written. After the connection, so that its end is in it.
    pub(super) fn stop(self) {
        if self.capture.is_some_and(|capture| !capture.stop()) {
            tracing::warn!("the capture's disk did not answer in time; the last seconds may be missing");
        }
    }
}

struct Recorder(Arc<Capture>);

impl FrameSink for Recorder {
    fn passing(&self, generation: Generation, at: Now, what: Passing<'_>) {
        match what {
            Passing::Opened => self.0.opened(generation, at),
            Passing::Received(frame) => self.0.received(generation, at, frame),
            Passing::Sent(command) => self.0.sent(generation, at, command),
            Passing::Closed(reason) => self.0.closed(generation, at, reason),
        }
    }
}

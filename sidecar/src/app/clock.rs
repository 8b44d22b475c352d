//! The process's one clock, read by shells and handed into pure code.

use std::sync::Arc;
use std::time::Instant;

use outrigger_engine::domain::{Clock, Monotonic, Now, WallTime};

/// Returns the system's clock: wall time as it is, and nanoseconds since now that never go back.
pub(super) fn system() -> Clock {
    let start = Instant::now();
    Arc::new(move || Now {
        wall: WallTime(jiff::Timestamp::now().as_microsecond()),
        monotonic: Monotonic(u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX)),
    })
}

//! Three kinds of time that must not be mixed, and the "now" that is handed to pure code.

use serde::{Deserialize, Serialize};

/// The exchange's clock, milliseconds since the Unix epoch. Comparable only with other venue times.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Default)]
#[serde(transparent)]
pub struct VenueTime(pub i64);

/// This machine's wall clock, microseconds since the Unix epoch. It can jump; never measure durations with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Default)]
#[serde(transparent)]
pub struct WallTime(pub i64);

/// Nanoseconds on a clock that never goes back. Means nothing across a restart, so it is never stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Monotonic(pub u64);

impl WallTime {
    pub const fn millis(self) -> i64 {
        self.0.div_euclid(1000)
    }
}

impl Monotonic {
    /// Returns whole milliseconds since `earlier`, zero if `earlier` is later.
    pub const fn millis_since(self, earlier: Monotonic) -> u64 {
        self.0.saturating_sub(earlier.0) / 1_000_000
    }
}

/// The present, read once by a shell and passed into pure code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Now {
    pub wall: WallTime,
    pub monotonic: Monotonic,
}

/// When a frame reached us.
pub type Received = Now;

/// Reads the present. Shells own one; pure code is handed its result.
pub type Clock = std::sync::Arc<dyn Fn() -> Now + Send + Sync>;

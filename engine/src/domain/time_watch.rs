//! Notices when time was not what it seemed: the process stood still, the machine slept, or the wall clock was set.
//!
//! Never here: reading a clock. Whoever keeps a watch looks at it once a second and whenever a fact is handed out.

use super::time::Now;

/// Between two looks there is about a second; only a process that stood still leaves so much more.
const STILL_MS: u64 = 5_000;
/// The wall clock and the monotonic one may drift apart by this much between two looks (network time slews gently).
/// A machine that slept shows here too, because the monotonic clock sleeps with it.
const STEP_MS: u64 = 3_000;

/// What was noticed. Everything known from before is suspect until it is read again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TimeBreak {
    #[error("the process stood still for {ms} ms")]
    StoodStill { ms: u64 },
    /// Milliseconds the wall clock moved more (or, if negative, less) than the monotonic one.
    #[error("the machine slept or its clock was set: it moved by {by_ms} ms")]
    Stepped { by_ms: i64 },
}

/// Compares each look at the clocks with the one before.
#[derive(Debug, Clone, Copy, Default)]
pub struct TimeWatch {
    last: Option<Now>,
}

impl TimeWatch {
    /// Looks at the clocks. The first look finds nothing.
    pub fn look(&mut self, now: Now) -> Option<TimeBreak> {
        let last = self.last.replace(now)?;
        let passed_ms = now.monotonic.millis_since(last.monotonic);
        let wall_us = now.wall.0.saturating_sub(last.wall.0);
        let by_ms = (wall_us / 1_000).saturating_sub(i64::try_from(passed_ms).unwrap_or(i64::MAX));
        if by_ms.unsigned_abs() >= STEP_MS {
            return Some(TimeBreak::Stepped { by_ms });
        }
        (passed_ms >= STILL_MS).then_some(TimeBreak::StoodStill { ms: passed_ms })
    }
}

#[cfg(test)]
mod tests {
    use super::{TimeBreak, TimeWatch};
    use crate::domain::{Monotonic, Now, WallTime};

    fn at(monotonic_ms: u64, wall_ms: i64) -> Now {
        Now { wall: WallTime(wall_ms * 1_000), monotonic: Monotonic(monotonic_ms * 1_000_000) }
    }

    #[test]
    fn only_a_stop_a_sleep_or_a_set_clock_is_a_break() {
        let stood_still = |ms| Some(TimeBreak::StoodStill { ms });
        let stepped = |by_ms| Some(TimeBreak::Stepped { by_ms });
        // Time passed on the monotonic clock and on the wall's.
        let rows = [
            (1_000, 1_000, None),
            (4_999, 4_999, None),
            (1_000, 3_900, None),
            (1_000, -1_900, None),
            (5_000, 5_000, stood_still(5_000)),
            (60_000, 62_000, stood_still(60_000)),
            (1_000, 3_600_000, stepped(3_599_000)),
            (1_000, -3_600_000, stepped(-3_601_000)),
            (60_000, 0, stepped(-60_000)),
        ];
        for (passed, wall, expected) in rows {
            let mut watch = TimeWatch::default();
            assert_eq!(watch.look(at(7_000, 1_000_000)), None, "the first look");
            assert_eq!(watch.look(at(7_000 + passed, 1_000_000 + wall)), expected, "{passed} {wall}");
            assert_eq!(watch.look(at(8_000 + passed, 1_001_000 + wall)), None, "a break is found once");
        }
    }

    #[test]
    fn a_slow_drift_is_no_break() {
        let mut watch = TimeWatch::default();
        for second in 0..10_000 {
            let found = watch.look(at(second * 1_000, i64::try_from(second).unwrap() * 1_080));
            assert_eq!(found, None, "{second}");
        }
    }
}

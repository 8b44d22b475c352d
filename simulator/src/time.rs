//! The exchange's clock: the wall's, the wall's made faster, or one that moves only when told.
//!
//! Everything the exchange dates (orders, candles, token buckets, frames) reads this clock. Signatures alone are judged
//! by the wall, because the member's clock is out there. Never moves backwards.

use std::sync::atomic::{AtomicI64, Ordering::Relaxed};
use std::time::Duration;

/// How time runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Pace {
    /// As the wall clock does.
    #[default]
    Real,
    /// This many times as fast.
    Times(u32),
    /// Only by [`crate::Running::step`] and the control route.
    Stepped,
}

/// The clock of one exchange.
#[derive(Debug)]
pub struct Clock {
    pace: Pace,
    start_us: i64,
    /// What the wall said at the start.
    wall_start_us: i64,
    /// The latest time that was told.
    latest_us: AtomicI64,
}

impl Clock {
    /// Starts a clock at `start_us`, in microseconds since the Unix epoch.
    pub fn new(pace: Pace, start_us: i64) -> Clock {
        Clock { pace, start_us, wall_start_us: wall_us(), latest_us: AtomicI64::new(start_us) }
    }

    /// Starts a clock that agrees with the wall.
    pub fn real() -> Clock {
        Clock::new(Pace::Real, wall_us())
    }

    pub fn pace(&self) -> Pace {
        self.pace
    }

    /// Returns the exchange's time, in microseconds since the Unix epoch.
    pub fn now_us(&self) -> i64 {
        let factor = match self.pace {
            Pace::Stepped => return self.latest_us.load(Relaxed),
            Pace::Real => 1,
            Pace::Times(factor) => i64::from(factor),
        };
        let elapsed_us = wall_us().saturating_sub(self.wall_start_us);
        let now_us = self.start_us.saturating_add(elapsed_us.saturating_mul(factor));
        // The wall may be put back; the exchange's time may not.
        now_us.max(self.latest_us.fetch_max(now_us, Relaxed))
    }

    /// Returns how long the wall takes until this clock says `at_us`; none if it does not run by itself.
    pub fn wait_until(&self, at_us: i64) -> Option<Duration> {
        let left_us = u64::try_from(at_us.saturating_sub(self.now_us())).unwrap_or(0);
        match self.pace {
            Pace::Real => Some(Duration::from_micros(left_us)),
            Pace::Times(factor) => Some(Duration::from_micros(left_us / u64::from(factor.max(1)) + 1)),
            Pace::Stepped => None,
        }
    }

    /// Moves a stepped clock on to `at_us`; another clock, or an earlier time, changes nothing.
    pub fn step_to(&self, at_us: i64) {
        if self.pace == Pace::Stepped {
            self.latest_us.fetch_max(at_us, Relaxed);
        }
    }
}

/// The wall clock in microseconds since the Unix epoch.
pub fn wall_us() -> i64 {
    jiff::Timestamp::now().as_microsecond()
}

#[cfg(test)]
mod tests {
    use super::{Clock, Pace};

    #[test]
    fn a_stepped_clock_moves_when_told_and_never_back() {
        let clock = Clock::new(Pace::Stepped, 1_000);
        assert_eq!(clock.now_us(), 1_000);
        clock.step_to(5_000);
        clock.step_to(2_000);
        assert_eq!(clock.now_us(), 5_000);
    }

    #[test]
    fn a_fast_clock_runs_ahead_of_the_wall() {
        let clock = Clock::new(Pace::Times(1_000), 0);
        std::thread::sleep(std::time::Duration::from_millis(5));
        assert!(clock.now_us() >= 5_000_000);
    }
}

//! When to try again: full jitter below a doubling ceiling, never more than so many tries a minute, and at the slow pace after
//! many failures, or after a few that trying again does not mend.
//!
//! Pure: time and randomness are handed in.

use std::collections::VecDeque;

/// How long to wait between tries.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BackoffLimits {
    /// Ceiling of the first wait.
    pub(crate) first_ms: u64,
    /// Ceiling of every later wait.
    pub(crate) ceiling_ms: u64,
    /// Tries within `window_ms`; beyond them the wait lasts until the oldest is out of the window.
    pub(crate) tries_max: usize,
    pub(crate) window_ms: u64,
    /// After so many failures in a row every wait is at least `slow_ms`, with jitter up to the ceiling on top.
    pub(crate) failures_max: u32,
    pub(crate) slow_ms: u64,
    /// What trying again does not mend is tried this often nearly at once: someone may be mending it right now.
    pub(crate) mends_max: u32,
    /// The wait before each of those, with as much jitter on top.
    pub(crate) mend_ms: u64,
    /// A connection that was good for this long starts everything anew.
    pub(crate) healthy_ms: u64,
}

impl BackoffLimits {
    /// Returns the limits of each of so many that try side by side, so that all of them together keep these.
    pub(crate) fn shared_by(self, many: usize) -> BackoffLimits {
        let many = u32::try_from(many).unwrap_or(u32::MAX).max(1);
        BackoffLimits {
            tries_max: self.tries_max / many as usize,
            failures_max: self.failures_max / many,
            slow_ms: self.slow_ms.saturating_mul(u64::from(many)),
            ..self
        }
    }
}

/// The tries made so far.
#[derive(Debug)]
pub(crate) struct Backoff {
    limits: BackoffLimits,
    failures: u32,
    /// Of them, those that trying again does not mend.
    permanent: u32,
    tries: VecDeque<u64>,
}

/// How a try ended.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Tried {
    /// How long it was good; zero if it never was.
    pub(crate) good_ms: u64,
    /// Trying again soon would end the same.
    pub(crate) is_permanent: bool,
}

impl Backoff {
    pub(crate) fn new(limits: BackoffLimits) -> Backoff {
        Backoff { limits, failures: 0, permanent: 0, tries: VecDeque::new() }
    }

    /// Records that a try begins.
    pub(crate) fn begin(&mut self, now_ms: u64) {
        self.tries.push_back(now_ms);
        if self.tries.len() > self.limits.tries_max {
            self.tries.pop_front();
        }
    }

    /// Returns how long to wait before the next try; `random` is any number, evenly spread over all of `u64`.
    pub(crate) fn wait_ms(&mut self, now_ms: u64, tried: Tried, random: u64) -> u64 {
        if tried.good_ms >= self.limits.healthy_ms {
            (self.failures, self.permanent) = (0, 0);
        }
        let doubled = self.limits.first_ms.saturating_mul(1 << self.failures.min(20));
        let ceiling_ms = doubled.min(self.limits.ceiling_ms);
        self.failures = self.failures.saturating_add(1);
        self.permanent = self.permanent.saturating_add(u32::from(tried.is_permanent));
        let is_mending = tried.is_permanent && self.permanent <= self.limits.mends_max;
        let is_slow = tried.is_permanent || self.failures >= self.limits.failures_max;
        let (least_ms, spread_ms) = match (is_mending, is_slow) {
            (true, _) => (self.limits.mend_ms, self.limits.mend_ms),
            (false, true) => (self.limits.slow_ms, ceiling_ms),
            (false, false) => (0, ceiling_ms),
        };
        least_ms.saturating_add(jitter_ms(random, spread_ms)).max(self.paced_ms(now_ms))
    }

    fn paced_ms(&self, now_ms: u64) -> u64 {
        if self.tries.len() < self.limits.tries_max {
            return 0;
        }
        let oldest = self.tries.front().copied().unwrap_or(0);
        oldest.saturating_add(self.limits.window_ms).saturating_sub(now_ms)
    }
}

/// The top of `random` times the spread, so that every wait up to it is as likely.
fn jitter_ms(random: u64, spread_ms: u64) -> u64 {
    let jitter_ms = (u128::from(random) * (u128::from(spread_ms) + 1)) >> 64;
    u64::try_from(jitter_ms).unwrap_or(spread_ms)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Backoff, BackoffLimits, Tried};

    const LIMITS: BackoffLimits = BackoffLimits {
        first_ms: 250,
        ceiling_ms: 10_000,
        tries_max: 10,
        window_ms: 60_000,
        failures_max: 10,
        slow_ms: 30_000,
        mends_max: 2,
        mend_ms: 4_000,
        healthy_ms: 30_000,
    };

    fn good(good_ms: u64) -> Tried {
        Tried { good_ms, is_permanent: false }
    }

    #[test]
    fn waits_double_up_to_the_ceiling_and_start_anew_after_a_healthy_time() {
        let mut backoff = Backoff::new(BackoffLimits { tries_max: 1_000, ..LIMITS });
        let waits: Vec<u64> = (0..8).map(|_| backoff.wait_ms(0, good(0), u64::MAX)).collect();
        assert_eq!(waits, [250, 500, 1_000, 2_000, 4_000, 8_000, 10_000, 10_000]);
        assert_eq!(backoff.wait_ms(0, good(0), 0), 0, "full jitter begins at nothing");
        assert_eq!(backoff.wait_ms(0, good(0), 0), 30_000, "the tenth failure in a row");
        assert_eq!(backoff.wait_ms(0, good(29_999), u64::MAX), 40_000);
        assert_eq!(backoff.wait_ms(0, good(30_000), u64::MAX), 250);
    }

    #[test]
    fn what_trying_again_does_not_mend_is_tried_twice_and_then_waits_the_slow_step() {
        let mut backoff = Backoff::new(LIMITS);
        let permanent = Tried { good_ms: 0, is_permanent: true };
        assert_eq!(backoff.wait_ms(0, permanent, 0), 4_000);
        assert_eq!(backoff.wait_ms(0, good(0), 0), 0, "the next may be another matter");
        assert_eq!(backoff.wait_ms(0, permanent, u64::MAX), 8_000);
        assert_eq!(backoff.wait_ms(0, permanent, 0), 30_000);
        assert_eq!(backoff.wait_ms(0, Tried { good_ms: 30_000, is_permanent: true }, 0), 4_000);
    }

    proptest! {
        #[test]
        fn never_more_tries_than_allowed_in_any_window(
            steps in prop::collection::vec((0_u64..40_000, any::<u64>()), 1..80),
        ) {
            let mut backoff = Backoff::new(LIMITS);
            let mut now = 0;
            let mut tries: Vec<u64> = Vec::new();
            for (held, random) in steps {
                backoff.begin(now);
                tries.push(now);
                now += held;
                let wait = backoff.wait_ms(now, good(held), random);
                now += wait;
            }
            for window in tries.windows(LIMITS.tries_max + 1) {
                prop_assert!(window[LIMITS.tries_max] - window[0] >= LIMITS.window_ms, "{window:?}");
            }
        }
    }
}

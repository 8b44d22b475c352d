//! One token bucket, refilled continuously. Integer arithmetic in millionths of a token, so nothing is lost to rounding.

use outrigger_engine::domain::Monotonic;

const MICROS: u64 = 1_000_000;

#[derive(Debug, Clone)]
pub(super) struct Bucket {
    capacity: u64,
    refill_per_s: u64,
    /// Millionths of a token.
    level: u64,
    updated: Monotonic,
    /// Nanoseconds of refill not yet turned into a millionth of a token.
    rest_ns: u64,
}

impl Bucket {
    /// A full bucket.
    pub(super) fn new(capacity: u32, refill_per_s: u32, now: Monotonic) -> Bucket {
        let (capacity, refill_per_s) = (u64::from(capacity).max(1), u64::from(refill_per_s).max(1));
        Bucket { capacity, refill_per_s, level: capacity * MICROS, updated: now, rest_ns: 0 }
    }

    /// Takes over new terms; what was there stays, as far as it fits.
    pub(super) fn set_terms(&mut self, capacity: u32, refill_per_s: u32, now: Monotonic) {
        self.refill(now);
        (self.capacity, self.refill_per_s) = (u64::from(capacity).max(1), u64::from(refill_per_s).max(1));
        self.level = self.level.min(self.capacity * MICROS);
    }

    pub(super) fn refill(&mut self, now: Monotonic) {
        let elapsed = now.0.saturating_sub(self.updated.0);
        self.updated = Monotonic(self.updated.0.max(now.0));
        // A refill of n tokens a second is n millionths of a token each microsecond.
        let product = u128::from(elapsed) * u128::from(self.refill_per_s) + u128::from(self.rest_ns);
        self.rest_ns = u64::try_from(product % 1_000).unwrap_or(0);
        let gained = u64::try_from(product / 1_000).unwrap_or(u64::MAX);
        self.level = self.level.saturating_add(gained).min(self.capacity * MICROS);
    }

    pub(super) fn tokens(&self) -> u64 {
        self.level / MICROS
    }

    /// Tells whether `cost` tokens can be taken and still leave `keep`.
    pub(super) fn holds(&self, cost: u32, keep: u32) -> bool {
        self.level >= (u64::from(cost) + u64::from(keep)) * MICROS
    }

    pub(super) fn take(&mut self, cost: u32) {
        self.level = self.level.saturating_sub(u64::from(cost) * MICROS);
    }

    pub(super) fn give_back(&mut self, cost: u32) {
        self.level = self.level.saturating_add(u64::from(cost) * MICROS).min(self.capacity * MICROS);
    }

    /// Empties the bucket: the venue says it is.
    pub(super) fn drain(&mut self) {
        self.level = 0;
    }

    /// Returns how long until `cost` tokens above `keep` are there, in nanoseconds, rounded up.
    pub(super) fn wait_ns(&self, cost: u32, keep: u32) -> u64 {
        let needed = (u64::from(cost) + u64::from(keep)) * MICROS;
        let missing = needed.saturating_sub(self.level);
        let product = (u128::from(missing) * 1_000).saturating_sub(u128::from(self.rest_ns));
        u64::try_from(product.div_ceil(u128::from(self.refill_per_s))).unwrap_or(u64::MAX)
    }

    /// Tells whether the bucket could ever hold `cost` above `keep`.
    pub(super) fn can_ever_hold(&self, cost: u32, keep: u32) -> bool {
        u64::from(cost) + u64::from(keep) <= self.capacity
    }
}

#[cfg(test)]
mod tests {
    use outrigger_engine::domain::Monotonic;

    use super::Bucket;

    #[test]
    fn the_wait_is_exact_to_the_nanosecond() {
        let mut bucket = Bucket::new(100, 300, Monotonic(0));
        bucket.take(100);
        let wait = bucket.wait_ns(10, 0);
        assert_eq!(wait, 33_333_334);
        bucket.refill(Monotonic(wait - 1));
        assert!(!bucket.holds(10, 0));
        bucket.refill(Monotonic(wait));
        assert!(bucket.holds(10, 0));
    }

    #[test]
    fn many_small_steps_refill_as_much_as_one() {
        let (mut steps, mut leap) = (Bucket::new(900, 7, Monotonic(0)), Bucket::new(900, 7, Monotonic(0)));
        steps.take(900);
        leap.take(900);
        for at in 1..=10_000_u64 {
            steps.refill(Monotonic(at * 12_345));
        }
        leap.refill(Monotonic(123_450_000));
        assert_eq!(steps.level, leap.level);
    }
}

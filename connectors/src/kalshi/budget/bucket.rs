//! One token bucket, refilled continuously. Integer arithmetic in millionths of a token, so nothing is lost to rounding.
//!
//! Two departures from the venue's own bucket make the model the stricter of the two. Requests need not arrive as evenly as
//! they left, so what refills in `JITTER_US` is never given out: whatever the delays within that span, the venue's bucket
//! holds what the model let go. And a 429 says that the venue held less than the model thought: the bucket is emptied and
//! refills more slowly, until it has been calm for a while.
//!
//! What was granted and may never leave is still in the venue's bucket, which overflows all the earlier: it counts towards the
//! size until it is known to have left. So a refund is exact, however late it comes.

use outrigger_engine::domain::Monotonic;

use super::terms::Terms;

const MICROS: u64 = 1_000_000;
/// How much the way to the venue may vary from one request to the next.
pub(super) const JITTER_US: u64 = 50_000;
/// A 429 leaves this much of the refill, never less than the minimum.
const SHRINK_PERCENT: u32 = 80;
const SHRINK_MIN_PERCENT: u32 = 20;
/// Without a 429 for so long, ten points come back; then again.
pub(super) const RECOVER_EVERY_NS: u64 = 5_000_000_000;
const RECOVER_POINTS: u32 = 10;

#[derive(Debug, Clone)]
pub(super) struct Bucket {
    terms: Terms,
    /// How much of the published refill is believed in.
    percent: u32,
    /// Millionths of a token.
    level: u64,
    updated: Monotonic,
    /// Nanoseconds of refill not yet turned into a millionth of a token.
    rest_ns: u64,
    /// Millionths of tokens granted and not known to have left.
    held: u64,
    drained_at: Option<Monotonic>,
    /// The last 429, or the last step of recovery.
    calm_since: Monotonic,
}

impl Bucket {
    /// An empty bucket: what was used before this process began is not known.
    pub(super) fn new(terms: Terms, now: Monotonic) -> Bucket {
        Bucket {
            terms: Terms { refill: terms.refill.max(1), capacity: terms.capacity.max(1) },
            percent: 100,
            level: 0,
            updated: now,
            rest_ns: 0,
            held: 0,
            drained_at: None,
            calm_since: now,
        }
    }

    /// Takes over new terms; what was there stays, as far as it fits.
    pub(super) fn set_terms(&mut self, terms: Terms, now: Monotonic) {
        self.refill(now);
        self.terms = Terms { refill: terms.refill.max(1), capacity: terms.capacity.max(1) };
        self.clip(self.level_max());
    }

    fn clip(&mut self, max: u64) {
        if self.level >= max {
            (self.level, self.rest_ns) = (max, 0);
        }
    }

    /// Tokens a second.
    fn rate(&self) -> u64 {
        (u64::from(self.terms.refill) * u64::from(self.percent) / 100).max(1)
    }

    fn slack(&self) -> u64 {
        self.rate() * JITTER_US
    }

    /// What can be in the bucket now, in millionths of a token.
    fn capacity(&self) -> u64 {
        (u64::from(self.terms.capacity) * MICROS).saturating_sub(self.held)
    }

    /// The level climbs past the capacity by the slack: then the venue's bucket is full whatever the delays were.
    fn level_max(&self) -> u64 {
        self.capacity() + self.slack()
    }

    fn recovers_at(&self) -> Option<Monotonic> {
        (self.percent < 100).then(|| Monotonic(self.calm_since.0.saturating_add(RECOVER_EVERY_NS)))
    }

    pub(super) fn refill(&mut self, now: Monotonic) {
        while let Some(at) = self.recovers_at().filter(|at| *at <= now) {
            self.add_until(at);
            self.percent = (self.percent + RECOVER_POINTS).min(100);
            self.calm_since = at;
        }
        self.add_until(now);
    }

    fn add_until(&mut self, now: Monotonic) {
        let elapsed = now.0.saturating_sub(self.updated.0);
        self.updated = Monotonic(self.updated.0.max(now.0));
        // A refill of n tokens a second is n millionths of a token each microsecond.
        let product = u128::from(elapsed) * u128::from(self.rate()) + u128::from(self.rest_ns);
        self.rest_ns = u64::try_from(product % 1_000).unwrap_or(0);
        let gained = u64::try_from(product / 1_000).unwrap_or(u64::MAX);
        self.level = self.level.saturating_add(gained);
        self.clip(self.level_max());
    }

    /// Whole tokens the venue's bucket is thought to hold.
    pub(super) fn tokens(&self) -> u64 {
        self.level.min(self.capacity()) / MICROS
    }

    pub(super) fn terms(&self) -> Terms {
        self.terms
    }

    pub(super) fn percent(&self) -> u32 {
        self.percent
    }

    pub(super) fn take(&mut self, cost: u32) {
        self.clip(self.capacity());
        self.level = self.level.saturating_sub(u64::from(cost) * MICROS);
        self.held += u64::from(cost) * MICROS;
    }

    /// What was granted has left, whatever became of it.
    pub(super) fn left(&mut self, cost: u32) {
        self.held = self.held.saturating_sub(u64::from(cost) * MICROS);
    }

    /// What was granted was never sent. If it was granted before the bucket was emptied, it is gone with the rest.
    pub(super) fn give_back(&mut self, cost: u32, granted_at: Monotonic) {
        self.left(cost);
        if self.drained_at.is_none_or(|drained_at| granted_at > drained_at) {
            self.level += u64::from(cost) * MICROS;
            self.clip(self.level_max());
        }
    }

    /// The venue refused what was granted at `granted_at`. Several refusals of one burst are one lesson.
    pub(super) fn throttled(&mut self, granted_at: Monotonic, now: Monotonic) {
        self.refill(now);
        self.calm_since = now;
        if self.drained_at.is_some_and(|drained_at| granted_at <= drained_at) {
            return;
        }
        self.drained_at = Some(now);
        (self.level, self.rest_ns) = (0, 0);
        self.percent = (self.percent * SHRINK_PERCENT / 100).max(SHRINK_MIN_PERCENT);
    }

    /// Returns after how many nanoseconds to look again for `tokens`, rounded up; zero when they are there, the largest number
    /// when that depends on what is held.
    pub(super) fn wait_ns(&self, tokens: u64) -> u64 {
        let tokens = tokens.saturating_mul(MICROS);
        let missing = tokens.saturating_add(self.slack()).saturating_sub(self.level);
        if missing == 0 {
            return 0;
        }
        if self.fits(tokens / MICROS) && tokens > self.capacity() {
            return u64::MAX;
        }
        // From the recovery on it is quicker.
        let recovery_ns = self.recovers_at().map_or(u64::MAX, |at| at.0.saturating_sub(self.updated.0));
        self.refill_ns(missing).min(recovery_ns).max(1)
    }

    /// Returns how long it takes at the present rate until `tokens` are there, in nanoseconds, however large the bucket is.
    pub(super) fn reach_ns(&self, tokens: u64) -> u64 {
        let wanted = tokens.saturating_mul(MICROS).saturating_add(self.slack());
        self.refill_ns(wanted.saturating_sub(self.level))
    }

    fn refill_ns(&self, missing: u64) -> u64 {
        let product = (u128::from(missing) * 1_000).saturating_sub(u128::from(self.rest_ns));
        u64::try_from(product.div_ceil(u128::from(self.rate()))).unwrap_or(u64::MAX)
    }

    /// Tells whether the bucket could ever hold so much.
    pub(super) fn fits(&self, tokens: u64) -> bool {
        tokens <= u64::from(self.terms.capacity)
    }
}

#[cfg(test)]
mod tests {
    use outrigger_engine::domain::Monotonic;

    use super::{Bucket, RECOVER_EVERY_NS, Terms};

    const SECOND: u64 = 1_000_000_000;

    fn bucket(capacity: u32, refill: u32) -> Bucket {
        Bucket::new(Terms { refill, capacity }, Monotonic(0))
    }

    #[test]
    fn the_wait_is_exact_to_the_nanosecond() {
        let mut bucket = bucket(100, 300);
        let wait = bucket.wait_ns(10);
        assert_eq!(wait, 33_333_334 + 50_000_000, "ten tokens, and what the way may vary");
        bucket.refill(Monotonic(wait - 1));
        assert_ne!(bucket.wait_ns(10), 0);
        bucket.refill(Monotonic(wait));
        assert_eq!(bucket.wait_ns(10), 0);
    }

    #[test]
    fn many_small_steps_refill_as_much_as_one() {
        let (mut steps, mut leap) = (bucket(900, 7), bucket(900, 7));
        for at in 1..=10_000_u64 {
            steps.refill(Monotonic(at * 12_345));
        }
        leap.refill(Monotonic(123_450_000));
        assert_eq!((steps.level, steps.rest_ns), (leap.level, leap.rest_ns));
    }

    #[test]
    fn a_whole_bucket_can_be_taken_once_it_is_full_for_sure() {
        let mut bucket = bucket(1, 1);
        assert_eq!(bucket.wait_ns(1), SECOND + 50_000_000);
        bucket.refill(Monotonic(10 * SECOND));
        bucket.take(1);
        assert_eq!(bucket.wait_ns(1), u64::MAX, "it may come back");
        bucket.left(1);
        assert_eq!(bucket.wait_ns(1), SECOND + 50_000_000, "no matter how long it had been full");
    }

    #[test]
    fn a_refund_is_exact_and_void_once_the_bucket_was_emptied() {
        let (mut one, mut other) = (bucket(100, 100), bucket(100, 100));
        for bucket in [&mut one, &mut other] {
            bucket.refill(Monotonic(SECOND / 2));
        }
        one.take(30);
        one.refill(Monotonic(SECOND * 9 / 10));
        one.give_back(30, Monotonic(SECOND / 2));
        other.refill(Monotonic(SECOND * 9 / 10));
        assert_eq!(one.level, other.level);
        one.take(30);
        one.throttled(Monotonic(SECOND / 2), Monotonic(SECOND));
        one.give_back(30, Monotonic(SECOND));
        assert_eq!(one.tokens(), 0);
        one.give_back(30, Monotonic(SECOND + 1));
        assert_eq!(one.tokens(), 30);
    }

    #[test]
    fn a_refund_gives_nothing_back_that_has_overflowed_meanwhile() {
        let mut bucket = bucket(100, 100);
        bucket.refill(Monotonic(10 * SECOND));
        bucket.take(20);
        // The venue's bucket is full all the while, and ours may be no fuller.
        bucket.refill(Monotonic(20 * SECOND));
        bucket.take(70);
        bucket.left(70);
        bucket.give_back(20, Monotonic(10 * SECOND));
        assert_eq!(bucket.tokens(), 30);
    }

    #[test]
    fn refusals_of_one_burst_shrink_once_and_calm_brings_it_back() {
        let mut bucket = bucket(100, 100);
        bucket.throttled(Monotonic(1), Monotonic(10));
        bucket.throttled(Monotonic(9), Monotonic(20));
        assert_eq!(bucket.percent(), 80);
        bucket.throttled(Monotonic(11), Monotonic(30));
        assert_eq!(bucket.percent(), 64);
        for _ in 0..20 {
            let at = Monotonic(bucket.updated.0 + 1);
            bucket.throttled(at, at);
        }
        assert_eq!(bucket.percent(), 20, "never a standstill");
        let calm = bucket.calm_since.0;
        bucket.refill(Monotonic(calm + RECOVER_EVERY_NS - 1));
        assert_eq!(bucket.percent(), 20);
        bucket.refill(Monotonic(calm + 8 * RECOVER_EVERY_NS));
        assert_eq!(bucket.percent(), 100);
    }
}

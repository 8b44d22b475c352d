//! Buckets and lanes, pure.

use std::collections::{BTreeMap, VecDeque};

use outrigger_engine::domain::Monotonic;

use super::bucket::Bucket;

/// Who goes first when tokens are short.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Lane {
    Cancel,
    Order,
    Reconcile,
    Background,
}

pub(crate) const LANES: [Lane; 4] = [Lane::Cancel, Lane::Order, Lane::Reconcile, Lane::Background];

/// The venue's buckets. Shard 0 and everything without a shard share `Write(0)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum BucketId {
    Read,
    Write(i64),
    /// `GET /portfolio/balance` has its own.
    Balance,
}

/// What a request costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Charge {
    pub(crate) bucket: BucketId,
    pub(crate) tokens: u32,
}

/// Terms of the account: tokens per second and capacity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rates {
    pub(crate) read: (u32, u32),
    pub(crate) write: (u32, u32),
}

impl Rates {
    /// The lowest tier, until the venue has said better.
    pub(crate) const LOWEST: Rates = Rates { read: (200, 200), write: (100, 100) };
}

/// Balance reads a second on the lower tiers.
const BALANCE_PER_S: u32 = 1;
/// Share of a write bucket that only cancels may use.
const CANCEL_SHARE_PERCENT: u32 = 10;
/// Share of the read bucket that background work leaves to others.
const BACKGROUND_KEEP_PERCENT: u32 = 30;
/// A venue that says 429 holds less than the model thought: this much slower, until it recovers.
const SHRINK_PERCENT: u32 = 80;
const SHRINK_MIN_PERCENT: u32 = 20;
const RECOVER_EVERY_NS: u64 = 5_000_000_000;

#[derive(Debug)]
struct Waiting<T> {
    charge: Charge,
    deadline: Monotonic,
    ticket: T,
}

/// What became of requests.
#[derive(Debug)]
pub(super) struct Polled<T> {
    pub(super) granted: Vec<T>,
    /// Their deadline passed, or their bucket can never hold so much; with how long they would still have waited.
    pub(super) expired: Vec<(T, u64)>,
    /// When to look again, in nanoseconds from now.
    pub(super) next_ns: Option<u64>,
}

/// Grants tokens to tickets, highest lane first, first come first served within a lane and bucket.
#[derive(Debug)]
pub(super) struct Core<T> {
    rates: Rates,
    buckets: BTreeMap<BucketId, Bucket>,
    lanes: BTreeMap<Lane, VecDeque<Waiting<T>>>,
    /// How much of the published refill is used; 100 unless the venue said 429 lately.
    percent: u32,
    last_429: Option<Monotonic>,
}

impl<T> Core<T> {
    pub(super) fn new(rates: Rates, now: Monotonic) -> Core<T> {
        let mut core =
            Core { rates, buckets: BTreeMap::new(), lanes: BTreeMap::new(), percent: 100, last_429: None };
        core.buckets.insert(BucketId::Balance, Bucket::new(BALANCE_PER_S, BALANCE_PER_S, now));
        core.buckets.insert(BucketId::Write(0), Bucket::new(rates.write.1, rates.write.0, now));
        core.buckets.insert(BucketId::Read, Bucket::new(rates.read.1, rates.read.0, now));
        core
    }

    /// Takes over what the venue says of the account.
    pub(super) fn set_rates(&mut self, rates: Rates, now: Monotonic) {
        self.rates = rates;
        self.apply_terms(now);
    }

    fn apply_terms(&mut self, now: Monotonic) {
        let percent = self.percent;
        for (id, bucket) in &mut self.buckets {
            let (refill, capacity) = match id {
                BucketId::Read => self.rates.read,
                BucketId::Write(_) => self.rates.write,
                BucketId::Balance => continue,
            };
            let share = u64::from(refill) * u64::from(percent) / 100;
            bucket.set_terms(capacity, u32::try_from(share).unwrap_or(u32::MAX).max(1), now);
        }
    }

    pub(super) fn submit(&mut self, lane: Lane, charge: Charge, deadline: Monotonic, ticket: T) {
        self.lanes.entry(lane).or_default().push_back(Waiting { charge, deadline, ticket });
    }

    /// The request was never sent: its tokens go back exactly.
    pub(super) fn refund(&mut self, charge: Charge) {
        if let Some(bucket) = self.buckets.get_mut(&charge.bucket) {
            bucket.give_back(charge.tokens);
        }
    }

    /// The venue refused with 429: its bucket is empty, and the model was too generous.
    pub(super) fn throttled(&mut self, bucket: BucketId, now: Monotonic) {
        self.bucket(bucket, now).drain();
        if bucket != BucketId::Balance {
            self.percent = (self.percent * SHRINK_PERCENT / 100).max(SHRINK_MIN_PERCENT);
            self.apply_terms(now);
        }
        self.last_429 = Some(now);
    }

    fn recover(&mut self, now: Monotonic) {
        let calm = self.last_429.is_some_and(|last| now.0.saturating_sub(last.0) >= RECOVER_EVERY_NS);
        if calm && self.percent < 100 {
            self.percent = (self.percent + 10).min(100);
            self.last_429 = Some(now);
            self.apply_terms(now);
        }
    }

    fn bucket(&mut self, id: BucketId, now: Monotonic) -> &mut Bucket {
        let (refill, capacity) = match id {
            BucketId::Read => self.rates.read,
            BucketId::Write(_) => self.rates.write,
            BucketId::Balance => (BALANCE_PER_S, BALANCE_PER_S),
        };
        self.buckets.entry(id).or_insert_with(|| Bucket::new(capacity, refill, now))
    }

    /// Tokens `lane` must leave in a bucket.
    fn keep(&self, lane: Lane, bucket: BucketId) -> u32 {
        match (lane, bucket) {
            (Lane::Order, BucketId::Write(_)) => self.rates.write.1 * CANCEL_SHARE_PERCENT / 100,
            (Lane::Background, BucketId::Read) => self.rates.read.1 * BACKGROUND_KEEP_PERCENT / 100,
            _ => 0,
        }
    }

    /// Grants what can be granted now.
    pub(super) fn poll(&mut self, now: Monotonic) -> Polled<T> {
        self.recover(now);
        self.buckets.values_mut().for_each(|bucket| bucket.refill(now));
        let mut polled = Polled { granted: Vec::new(), expired: Vec::new(), next_ns: None };
        // Buckets a higher lane waits for: lower lanes leave them alone.
        let mut blocked: Vec<BucketId> = Vec::new();
        for lane in LANES {
            let mut queue = self.lanes.remove(&lane).unwrap_or_default();
            let mut still = VecDeque::new();
            while let Some(waiting) = queue.pop_front() {
                let Charge { bucket: id, tokens } = waiting.charge;
                let keep = self.keep(lane, id);
                let is_blocked = blocked.contains(&id);
                let bucket = self.bucket(id, now);
                let wait_ns = bucket.wait_ns(tokens, keep);
                if !is_blocked && bucket.holds(tokens, keep) {
                    bucket.take(tokens);
                    polled.granted.push(waiting.ticket);
                } else if waiting.deadline <= now || !bucket.can_ever_hold(tokens, keep) {
                    polled.expired.push((waiting.ticket, wait_ns));
                } else {
                    let until_deadline = waiting.deadline.0.saturating_sub(now.0);
                    let look = if is_blocked { until_deadline } else { wait_ns.min(until_deadline) }.max(1);
                    polled.next_ns = Some(polled.next_ns.map_or(look, |next| next.min(look)));
                    blocked.push(id);
                    still.push_back(waiting);
                }
            }
            if !still.is_empty() {
                self.lanes.insert(lane, still);
            }
        }
        polled
    }

    /// Whole tokens left: read, and write without a shard.
    pub(super) fn tokens(&self) -> (u64, u64) {
        let of = |id| self.buckets.get(&id).map_or(0, Bucket::tokens);
        (of(BucketId::Read), of(BucketId::Write(0)))
    }

    pub(super) fn capacities(&self) -> (u32, u32) {
        (self.rates.read.1, self.rates.write.1)
    }

    pub(super) fn waiting(&self) -> usize {
        self.lanes.values().map(VecDeque::len).sum()
    }
}

#[cfg(test)]
mod tests {
    use outrigger_engine::domain::Monotonic;
    use proptest::prelude::*;

    use super::{BucketId, Charge, Core, LANES, Lane, Rates};

    const WRITE: BucketId = BucketId::Write(0);
    const SECOND: u64 = 1_000_000_000;

    fn core() -> Core<u32> {
        Core::new(Rates { read: (200, 200), write: (100, 100) }, Monotonic(0))
    }

    fn charge(tokens: u32) -> Charge {
        Charge { bucket: WRITE, tokens }
    }

    #[test]
    fn a_cancel_goes_before_all_placements_and_uses_the_kept_share() {
        let mut core = core();
        for ticket in 0..1_000 {
            core.submit(Lane::Order, charge(10), Monotonic(u64::MAX), ticket);
        }
        core.submit(Lane::Cancel, charge(2), Monotonic(u64::MAX), 9_999);
        let polled = core.poll(Monotonic(0));
        assert_eq!(polled.granted.first(), Some(&9_999));
        assert_eq!(polled.granted.len(), 9, "the rest of the bucket is for cancels");
        core.submit(Lane::Cancel, charge(2), Monotonic(u64::MAX), 9_998);
        assert_eq!(core.poll(Monotonic(0)).granted, [9_998]);
    }

    #[test]
    fn a_shard_has_its_own_bucket_and_balance_another() {
        let mut core = core();
        for (ticket, bucket) in
            [WRITE, BucketId::Write(2), BucketId::Balance, BucketId::Balance].into_iter().enumerate()
        {
            let tokens = if bucket == BucketId::Balance { 1 } else { 90 };
            core.submit(Lane::Order, Charge { bucket, tokens }, Monotonic(u64::MAX), ticket as u32);
        }
        let polled = core.poll(Monotonic(0));
        assert_eq!(polled.granted, [0, 1, 2]);
        assert_eq!(polled.next_ns, Some(SECOND));
    }

    #[test]
    fn what_can_never_be_granted_and_what_is_too_late_is_told() {
        let mut core = core();
        core.submit(Lane::Order, charge(101), Monotonic(u64::MAX), 1);
        core.submit(Lane::Order, charge(90), Monotonic(5), 2);
        core.submit(Lane::Order, charge(90), Monotonic(5), 3);
        let polled = core.poll(Monotonic(0));
        assert_eq!((polled.granted, polled.expired.len(), polled.next_ns), (vec![2], 1, Some(5)));
        assert_eq!(core.poll(Monotonic(5)).expired.first().map(|(ticket, _)| *ticket), Some(3));
    }

    #[test]
    fn a_429_empties_the_bucket_and_slows_down_until_calm() {
        let mut core = core();
        core.throttled(WRITE, Monotonic(0));
        core.submit(Lane::Cancel, charge(80), Monotonic(u64::MAX), 1);
        assert_eq!(core.poll(Monotonic(0)).next_ns, Some(SECOND), "80 tokens at 80 a second");
        core.poll(Monotonic(SECOND));
        core.poll(Monotonic(7 * SECOND));
        assert_eq!(core.percent, 90);
        core.poll(Monotonic(13 * SECOND));
        assert_eq!(core.percent, 100);
    }

    proptest! {
        /// Never over quota: in any history, what was granted fits the bucket's capacity plus its refill. Never idle: what
        /// still waits could not have been granted.
        #[test]
        fn never_over_quota_and_never_idle(steps in prop::collection::vec((0_u64..200_000_000, 0_usize..4, 1_u32..30), 1..200)) {
            let mut core = core();
            let (mut now, mut granted, mut ticket) = (0_u64, 0_u64, 0_u32);
            let mut costs = Vec::new();
            for (elapsed, lane, tokens) in steps {
                now += elapsed;
                core.submit(LANES[lane], charge(tokens), Monotonic(u64::MAX), ticket);
                costs.push(u64::from(tokens));
                ticket += 1;
                let polled = core.poll(Monotonic(now));
                granted += polled.granted.iter().map(|t| costs[*t as usize]).sum::<u64>();
                prop_assert!(u128::from(granted) * 1_000_000_000 <= 100 * 1_000_000_000 + u128::from(now) * 100);
                if let Some(next) = polled.next_ns {
                    let again = core.poll(Monotonic(now));
                    prop_assert!(again.granted.is_empty());
                    now += next;
                    let woken = core.poll(Monotonic(now));
                    prop_assert!(!woken.granted.is_empty(), "awake at the instant the tokens are there");
                    granted += woken.granted.iter().map(|t| costs[*t as usize]).sum::<u64>();
                }
            }
        }
    }
}

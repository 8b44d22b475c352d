//! What the budget counts, by lane, class of client and bucket: all from fixed sets.

use std::collections::BTreeMap;

use super::terms::{BucketId, Buckets, Client, Denied, Lane};
use crate::kalshi::histogram::{Distribution, Histogram};

/// How the budget stands and what it did since the start.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BudgetFigures {
    pub buckets: Vec<BucketFigures>,
    pub lanes: Vec<LaneFigures>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BucketFigures {
    /// `read`, `balance`, `write` (shard 0 and all that has no shard), `write_1` to `write_7`.
    pub bucket: &'static str,
    /// Whole tokens left.
    pub left: u64,
    pub capacity: u32,
    /// Tokens a second as the venue publishes them.
    pub refill: u32,
    /// How much of the refill is used: 100 unless the venue refused lately.
    pub percent: u32,
    /// Tokens spent.
    pub spent: u64,
    /// Requests the venue refused with 429.
    pub throttled: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LaneFigures {
    /// `cancel`, `order`, `reconcile`, `user_read`, `background`.
    pub lane: &'static str,
    /// `own` or `client`.
    pub client: &'static str,
    pub granted: u64,
    /// By reason: `late`, `never_fits`, `queue_full`.
    pub refused: Vec<(&'static str, u64)>,
    /// Requests the venue refused with 429.
    pub throttled: u64,
    /// From asking to tokens.
    pub waited: Distribution,
    /// Requests that wait now, of all clients.
    pub waiting: usize,
}

/// A lane and whether a local client asked.
pub(super) type Key = (Lane, &'static str);

#[derive(Debug, Default)]
struct Counts {
    granted: u64,
    refused: BTreeMap<&'static str, u64>,
    throttled: u64,
    waited: Histogram,
}

#[derive(Debug, Default)]
pub(super) struct Tally {
    lanes: BTreeMap<Key, Counts>,
    spent: BTreeMap<BucketId, u64>,
    throttled: BTreeMap<BucketId, u64>,
}

impl Tally {
    pub(super) fn granted(&mut self, key: Key, waited_us: u64) {
        let counts = self.lanes.entry(key).or_default();
        counts.granted += 1;
        counts.waited.observe_us(waited_us);
    }

    pub(super) fn refused(&mut self, key: Key, why: Denied) {
        *self.lanes.entry(key).or_default().refused.entry(why.as_str()).or_default() += 1;
    }

    pub(super) fn spent(&mut self, buckets: Buckets, tokens: u32) {
        for id in buckets.each() {
            *self.spent.entry(id).or_default() += u64::from(tokens);
        }
    }

    pub(super) fn unspent(&mut self, buckets: Buckets, tokens: u32) {
        for id in buckets.each() {
            let spent = self.spent.entry(id).or_default();
            *spent = spent.saturating_sub(u64::from(tokens));
        }
    }

    pub(super) fn throttled(&mut self, key: Key, buckets: Buckets) {
        self.lanes.entry(key).or_default().throttled += 1;
        for id in buckets.each() {
            *self.throttled.entry(id).or_default() += 1;
        }
    }

    pub(super) fn bucket(&self, id: BucketId) -> (u64, u64) {
        let of = |counts: &BTreeMap<BucketId, u64>| counts.get(&id).copied().unwrap_or(0);
        (of(&self.spent), of(&self.throttled))
    }

    /// Every lane and class, also those nothing was asked in yet: a family's series do not come and go.
    pub(super) fn lanes(&self, waiting: impl Fn(Lane) -> usize) -> Vec<LaneFigures> {
        let none = Counts::default();
        let keys = Lane::ALL.into_iter().flat_map(|lane| Client::CLASSES.map(|class| (lane, class)));
        keys.map(|key| {
            let counts = self.lanes.get(&key).unwrap_or(&none);
            let refused =
                |why: Denied| (why.as_str(), counts.refused.get(why.as_str()).copied().unwrap_or(0));
            LaneFigures {
                lane: key.0.as_str(),
                client: key.1,
                granted: counts.granted,
                refused: Denied::ALL.map(refused).to_vec(),
                throttled: counts.throttled,
                waited: counts.waited.read(),
                waiting: waiting(key.0),
            }
        })
        .collect()
    }
}

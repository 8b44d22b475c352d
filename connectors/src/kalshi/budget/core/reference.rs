//! The same rules in the plainest form: one list, looked through again for every decision; levels in billionths of a token.

use std::collections::BTreeMap;

use outrigger_engine::domain::Monotonic;

use crate::kalshi::budget::terms::{BucketId, Buckets, Charge, Client, Denied, Lane, Rates};

const NANO: i128 = 1_000_000_000;
const JITTER_NS: i128 = 50_000_000;
const RECOVER_NS: u64 = 5_000_000_000;

#[derive(Debug, Clone)]
pub(in crate::kalshi::budget) struct PlainBucket {
    refill: i128,
    capacity: i128,
    percent: i128,
    nano: i128,
    at: u64,
    calm: u64,
    emptied: Option<u64>,
    held: i128,
}

#[derive(Debug, Clone)]
pub(in crate::kalshi::budget) struct PlainAsk {
    pub(in crate::kalshi::budget) lane: Lane,
    pub(in crate::kalshi::budget) client: Client,
    pub(in crate::kalshi::budget) charge: Charge,
    pub(in crate::kalshi::budget) deadline: u64,
    pub(in crate::kalshi::budget) ticket: u32,
}

/// The plain budget.
#[derive(Debug, Clone)]
pub(in crate::kalshi::budget) struct Plain {
    pub(in crate::kalshi::budget) buckets: BTreeMap<BucketId, PlainBucket>,
    /// In the order of asking.
    pub(in crate::kalshi::budget) waiting: Vec<PlainAsk>,
    /// Virtual times by line: of the line, and of each client's next request.
    turns: BTreeMap<(Lane, Buckets), (u64, BTreeMap<Client, u64>)>,
    passed: BTreeMap<(Lane, Buckets), i128>,
}

impl PlainBucket {
    fn rate(&self) -> i128 {
        (self.refill * self.percent / 100).max(1)
    }

    fn slack(&self) -> i128 {
        self.rate() * JITTER_NS
    }

    /// What is held is still in the venue's bucket, or may be.
    fn full(&self) -> i128 {
        (self.capacity * NANO - self.held).max(0) + self.slack()
    }

    pub(in crate::kalshi::budget) fn advance(&mut self, now: u64) {
        while self.percent < 100 && self.calm + RECOVER_NS <= now {
            self.flow(self.calm + RECOVER_NS);
            self.percent = (self.percent + 10).min(100);
            self.calm += RECOVER_NS;
        }
        self.flow(now);
    }

    fn flow(&mut self, now: u64) {
        let passed = i128::from(now.saturating_sub(self.at));
        self.at = self.at.max(now);
        self.nano = (self.nano + passed * self.rate()).min(self.full());
    }

    fn holds(&self, tokens: i128) -> bool {
        self.nano >= tokens * NANO + self.slack()
    }
}

impl Plain {
    pub(in crate::kalshi::budget) fn new(rates: &Rates) -> Plain {
        let bucket = |id| {
            let terms = rates.of(id);
            let (refill, capacity) = (i128::from(terms.refill), i128::from(terms.capacity));
            PlainBucket { refill, capacity, percent: 100, nano: 0, at: 0, calm: 0, emptied: None, held: 0 }
        };
        let buckets = BucketId::all().map(|id| (id, bucket(id))).collect();
        Plain { buckets, waiting: Vec::new(), turns: BTreeMap::new(), passed: BTreeMap::new() }
    }

    pub(in crate::kalshi::budget) fn set_rates(&mut self, rates: &Rates, now: u64) {
        for (id, bucket) in &mut self.buckets {
            bucket.advance(now);
            (bucket.refill, bucket.capacity) = (rates.of(*id).refill.into(), rates.of(*id).capacity.into());
            bucket.nano = bucket.nano.min(bucket.full());
        }
    }

    pub(in crate::kalshi::budget) fn refund(&mut self, charge: Charge, granted_at: u64, now: u64) {
        for (id, bucket) in &mut self.buckets {
            if charge.buckets.has(*id) {
                bucket.advance(now);
                bucket.held -= i128::from(charge.tokens) * NANO;
                if bucket.emptied.is_none_or(|emptied| granted_at > emptied) {
                    bucket.nano = (bucket.nano + i128::from(charge.tokens) * NANO).min(bucket.full());
                }
            }
        }
    }

    pub(in crate::kalshi::budget) fn left(&mut self, charge: Charge, now: u64) {
        for (id, bucket) in &mut self.buckets {
            if charge.buckets.has(*id) {
                bucket.advance(now);
                bucket.held -= i128::from(charge.tokens) * NANO;
            }
        }
    }

    pub(in crate::kalshi::budget) fn throttled(&mut self, charge: Charge, granted_at: u64, now: u64) {
        for (id, bucket) in &mut self.buckets {
            if !charge.buckets.has(*id) {
                continue;
            }
            bucket.advance(now);
            bucket.calm = now;
            if bucket.emptied.is_none_or(|emptied| granted_at > emptied) {
                bucket.emptied = Some(now);
                bucket.nano = 0;
                bucket.percent = (bucket.percent * 80 / 100).max(20);
            }
        }
    }

    /// Returns what is granted and what is refused at `now`, in order.
    pub(in crate::kalshi::budget) fn poll(&mut self, now: Monotonic) -> (Vec<u32>, Vec<(u32, Denied)>) {
        self.buckets.values_mut().for_each(|bucket| bucket.advance(now.0));
        let (mut granted, mut refused) = (Vec::new(), Vec::new());
        let late: Vec<PlainAsk> = self.waiting.extract_if(.., |ask| ask.deadline <= now.0).collect();
        let mut late: Vec<(u64, u32)> = late.into_iter().map(|ask| (ask.deadline, ask.ticket)).collect();
        late.sort_unstable();
        refused.extend(late.into_iter().map(|(_, ticket)| (ticket, Denied::Late)));
        self.forget();
        'again: loop {
            let mut taken: Vec<BucketId> = Vec::new();
            for (at, is_lifted) in self.in_order() {
                let ask = self.waiting[at].clone();
                let ids: Vec<BucketId> = ask.charge.buckets.each().collect();
                let needs =
                    |id: &BucketId| i128::from(ask.charge.tokens) + self.left_to_others(&ask, is_lifted, *id);
                if ids.iter().any(|id| needs(id) > self.buckets[id].capacity) {
                    refused.push((ask.ticket, Denied::NeverFits));
                    self.waiting.remove(at);
                    self.forget();
                    continue 'again;
                }
                let is_free = !ids.iter().any(|id| taken.contains(id));
                if is_free && ids.iter().all(|id| self.buckets[id].holds(needs(id))) {
                    self.grant(at);
                    granted.push(ask.ticket);
                    continue 'again;
                }
                taken.extend(ids);
            }
            return (granted, refused);
        }
    }

    fn left_to_others(&self, ask: &PlainAsk, is_lifted: bool, id: BucketId) -> i128 {
        let capacity = self.buckets[&id].capacity;
        match (ask.lane, id) {
            (Lane::Cancel, _) => 0,
            (_, BucketId::Write(_)) => capacity * 10 / 100,
            (Lane::Background, BucketId::Read) if !is_lifted => capacity * 30 / 100,
            _ => 0,
        }
    }

    /// Returns the first request of each line, best first, and whether it was lifted.
    fn in_order(&self) -> Vec<(usize, bool)> {
        let mut firsts: BTreeMap<(Lane, Buckets), (u64, usize)> = BTreeMap::new();
        for (at, ask) in self.waiting.iter().enumerate() {
            let line = (ask.lane, ask.charge.buckets);
            let start = self
                .turns
                .get(&line)
                .map_or(0, |(now, next)| next.get(&ask.client).map_or(*now, |next| *now.max(next)));
            let first = firsts.entry(line).or_insert((start, at));
            if start < first.0 {
                *first = (start, at);
            }
        }
        let mut order: Vec<(bool, bool, Lane, usize)> = Vec::new();
        for (line, (_, at)) in firsts {
            let passed = self.passed.get(&line).copied().unwrap_or(0);
            let is_lifted =
                line.0 != Lane::Cancel && passed >= 9 * i128::from(self.waiting[at].charge.tokens);
            order.push((line.0 != Lane::Cancel, !is_lifted, line.0, at));
        }
        order.sort_unstable();
        order.into_iter().map(|(_, is_low, _, at)| (at, !is_low)).collect()
    }

    fn grant(&mut self, at: usize) {
        let ask = self.waiting[at].clone();
        let line = (ask.lane, ask.charge.buckets);
        let tokens = i128::from(ask.charge.tokens);
        for (id, bucket) in &mut self.buckets {
            if ask.charge.buckets.has(*id) {
                bucket.nano = bucket.nano.min((bucket.capacity * NANO - bucket.held).max(0)) - tokens * NANO;
                bucket.held += tokens * NANO;
            }
        }
        let mut below: Vec<(Lane, Buckets)> =
            self.waiting.iter().map(|other| (other.lane, other.charge.buckets)).collect();
        below.sort_unstable();
        below.dedup();
        for other in below {
            let meets = other.1.each().any(|id| ask.charge.buckets.has(id));
            if ask.lane != Lane::Cancel && other.0 > ask.lane && meets {
                *self.passed.entry(other).or_default() += tokens;
            }
        }
        let passed = self.passed.entry(line).or_default();
        *passed = (*passed - 9 * tokens).max(0);
        let (now, next) = self.turns.entry(line).or_default();
        *now = next.get(&ask.client).map_or(*now, |next| *(&*now).max(next));
        let took = (u64::from(ask.charge.tokens) * 65_536 / u64::from(ask.client.share())).max(1);
        next.insert(ask.client.clone(), *now + took);
        self.waiting.remove(at);
        self.forget();
    }

    /// A line in which nobody waits has not been passed by anyone.
    fn forget(&mut self) {
        let waiting = &self.waiting;
        self.passed.retain(|line, _| waiting.iter().any(|ask| (ask.lane, ask.charge.buckets) == *line));
    }
}

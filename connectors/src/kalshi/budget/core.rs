//! Who gets tokens next: pure. Requests and "now" go in, grants come out.
//!
//! Requests of one lane for the same buckets form a line. Of all lines' first requests the highest goes first: cancels, then
//! a line that too much went past, then by lane, then by age. What goes first and cannot be had yet keeps its buckets from
//! all that come after it, so nobody is overtaken on a bucket it waits for, and it is granted the moment its tokens exist.

use std::collections::{BTreeMap, BTreeSet};

use outrigger_engine::domain::Monotonic;

use super::bucket::Bucket;
use super::terms::{BucketId, Buckets, Charge, Client, Denied, Lane, NoBudget, Rates, Terms};
use super::turns::Turns;

/// Requests that may wait at once: cancels, and everything else. More is refused at once.
pub(super) const WAITING_MAX: usize = 16_384;
/// Share of a write bucket that only cancels may use.
const CANCEL_SHARE_PERCENT: u64 = 10;
/// Share of the read bucket that background work leaves to others.
const BACKGROUND_KEEP_PERCENT: u64 = 30;
/// Tokens that may go past a line for each token of its first request. After that it goes next, only cancels before it, so
/// that a tenth of what goes to those above is left to each below.
const PASSED_MAX: u64 = 9;

/// A request for tokens.
#[derive(Debug)]
pub(super) struct Ask<T> {
    pub(super) lane: Lane,
    pub(super) client: Client,
    pub(super) charge: Charge,
    pub(super) deadline: Monotonic,
    pub(super) ticket: T,
}

#[derive(Debug)]
struct Waiting<T> {
    tokens: u32,
    deadline: Monotonic,
    ticket: T,
}

type LineId = (Lane, Buckets);

#[derive(Debug)]
struct Line<T> {
    clients: BTreeMap<Client, BTreeMap<u64, Waiting<T>>>,
    turns: Turns,
    /// Tokens that went to higher lanes while this one waited.
    passed: u64,
    /// Sum of what waits.
    tokens: u64,
    count: usize,
}

/// The first request of a line.
#[derive(Debug, Clone)]
struct First {
    line: LineId,
    client: Client,
    place: u64,
    tokens: u32,
    is_lifted: bool,
}

/// What became of requests.
#[derive(Debug)]
pub(super) struct Polled<T> {
    pub(super) granted: Vec<T>,
    pub(super) refused: Vec<(T, NoBudget)>,
    /// When to look again, in nanoseconds from now.
    pub(super) next_ns: Option<u64>,
}

/// How one bucket stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Level {
    pub(super) tokens: u64,
    pub(super) terms: Terms,
    pub(super) percent: u32,
}

/// Grants tokens to tickets.
#[derive(Debug)]
pub(super) struct Core<T> {
    buckets: BTreeMap<BucketId, Bucket>,
    lines: BTreeMap<LineId, Line<T>>,
    deadlines: BTreeSet<(Monotonic, u64, LineId, Client)>,
    refused: Vec<(T, NoBudget)>,
    asked: u64,
}

impl<T> Line<T> {
    fn new() -> Line<T> {
        Line { clients: BTreeMap::new(), turns: Turns::default(), passed: 0, tokens: 0, count: 0 }
    }

    fn remove(&mut self, client: &Client, place: u64) -> Option<Waiting<T>> {
        let queue = self.clients.get_mut(client)?;
        let waiting = queue.remove(&place)?;
        if queue.is_empty() {
            self.clients.remove(client);
        }
        self.tokens = self.tokens.saturating_sub(u64::from(waiting.tokens));
        self.count -= 1;
        if self.count == 0 {
            self.passed = 0;
        }
        Some(waiting)
    }
}

impl<T> Core<T> {
    pub(super) fn new(rates: Rates, now: Monotonic) -> Core<T> {
        Core {
            buckets: BucketId::all().map(|id| (id, Bucket::new(rates.of(id), now))).collect(),
            lines: BTreeMap::new(),
            deadlines: BTreeSet::new(),
            refused: Vec::new(),
            asked: 0,
        }
    }

    /// Takes over what the venue says of the account.
    pub(super) fn set_rates(&mut self, rates: &Rates, now: Monotonic) {
        for (id, bucket) in &mut self.buckets {
            bucket.set_terms(rates.of(*id), now);
        }
    }

    /// Takes a place in line. Returns its number: places are given in the order of asking.
    pub(super) fn ask(&mut self, ask: Ask<T>) -> u64 {
        self.asked += 1;
        let Ask { lane, client, charge, deadline, ticket } = ask;
        let is_cancel = lane == Lane::Cancel;
        let same = self.lines.iter().filter(|((lane, _), _)| (*lane == Lane::Cancel) == is_cancel);
        if same.map(|(_, line)| line.count).sum::<usize>() >= WAITING_MAX {
            let refusal = self.refusal(Denied::QueueFull, lane, charge);
            self.refused.push((ticket, refusal));
            return self.asked;
        }
        let id = (lane, charge.buckets);
        let line = self.lines.entry(id).or_insert_with(Line::new);
        line.tokens += u64::from(charge.tokens);
        line.count += 1;
        let queue = line.clients.entry(client.clone()).or_default();
        queue.insert(self.asked, Waiting { tokens: charge.tokens, deadline, ticket });
        self.deadlines.insert((deadline, self.asked, id, client));
        self.asked
    }

    /// The request was never sent: its tokens go back.
    pub(super) fn refund(&mut self, charge: Charge, granted_at: Monotonic, now: Monotonic) {
        self.each(charge.buckets, |bucket| {
            bucket.refill(now);
            bucket.give_back(charge.tokens, granted_at);
        });
    }

    /// The request has left, whatever became of it.
    pub(super) fn left(&mut self, charge: Charge, now: Monotonic) {
        self.each(charge.buckets, |bucket| {
            bucket.refill(now);
            bucket.left(charge.tokens);
        });
    }

    /// The venue refused with 429. Which of several buckets was short it does not say.
    pub(super) fn throttled(&mut self, charge: Charge, granted_at: Monotonic, now: Monotonic) {
        self.each(charge.buckets, |bucket| bucket.throttled(granted_at, now));
    }

    fn each(&mut self, buckets: Buckets, mut change: impl FnMut(&mut Bucket)) {
        self.buckets.iter_mut().filter(|(id, _)| buckets.has(**id)).for_each(|(_, bucket)| change(bucket));
    }

    /// Grants what can be granted now, refuses what can no more be granted in time.
    pub(super) fn poll(&mut self, now: Monotonic) -> Polled<T> {
        self.buckets.values_mut().for_each(|bucket| bucket.refill(now));
        let mut polled = Polled { granted: Vec::new(), refused: Vec::new(), next_ns: None };
        self.refuse_late(now);
        let mut blocked: BTreeSet<BucketId> = BTreeSet::new();
        let mut done: BTreeSet<LineId> = BTreeSet::new();
        while let Some(first) = self.first(&done) {
            let buckets = first.line.1;
            let wait_ns = match self.wait_ns(&first) {
                None => {
                    self.refuse(&first.line, &first.client, first.place, Denied::NeverFits);
                    (blocked, done, polled.next_ns) = Default::default();
                    continue;
                }
                Some(0) if !buckets.each().any(|id| blocked.contains(&id)) => {
                    polled.granted.extend(self.grant(&first));
                    // Who comes next may be another now.
                    (blocked, done, polled.next_ns) = Default::default();
                    continue;
                }
                Some(wait_ns) => wait_ns,
            };
            // What waits for others, or for a request on its way, is looked at again when that changes.
            if wait_ns < u64::MAX && !buckets.each().any(|id| blocked.contains(&id)) {
                polled.next_ns = Some(polled.next_ns.map_or(wait_ns, |next| next.min(wait_ns)));
            }
            blocked.extend(buckets.each());
            done.insert(first.line);
        }
        if let Some((deadline, ..)) = self.deadlines.first() {
            let until_ns = deadline.0.saturating_sub(now.0);
            polled.next_ns = Some(polled.next_ns.map_or(until_ns, |next| next.min(until_ns)));
        }
        polled.refused.append(&mut self.refused);
        polled
    }

    fn refuse_late(&mut self, now: Monotonic) {
        while let Some((_, place, line, client)) =
            self.deadlines.first().filter(|(at, ..)| *at <= now).cloned()
        {
            self.refuse(&line, &client, place, Denied::Late);
        }
    }

    /// Returns the request that goes first, of all lines but those in `done`.
    fn first(&self, done: &BTreeSet<LineId>) -> Option<First> {
        let lines = self.lines.iter().filter(|(id, line)| line.count > 0 && !done.contains(*id));
        let firsts = lines.filter_map(|(id, line)| {
            let heads = line.clients.iter().filter_map(|(client, queue)| {
                let (place, waiting) = queue.first_key_value()?;
                Some((line.turns.start(client), *place, client, waiting))
            });
            let (_, place, client, waiting) = heads.min_by_key(|(start, place, ..)| (*start, *place))?;
            let is_lifted =
                id.0 != Lane::Cancel && line.passed >= PASSED_MAX.saturating_mul(waiting.tokens.into());
            Some(First { line: *id, client: client.clone(), place, tokens: waiting.tokens, is_lifted })
        });
        firsts.min_by_key(|first| (first.line.0 != Lane::Cancel, !first.is_lifted, first.line.0, first.place))
    }

    /// Returns how long `first` has to wait; `None` if its tokens can never be there.
    fn wait_ns(&self, first: &First) -> Option<u64> {
        let mut longest = 0;
        for id in first.line.1.each() {
            let bucket = self.buckets.get(&id)?;
            let tokens = u64::from(first.tokens) + self.keep(first, id);
            if !bucket.fits(tokens) {
                return None;
            }
            longest = longest.max(bucket.wait_ns(tokens));
        }
        Some(longest)
    }

    /// Tokens that `first` must leave in a bucket.
    fn keep(&self, first: &First, id: BucketId) -> u64 {
        let capacity = self.buckets.get(&id).map_or(0, |bucket| u64::from(bucket.terms().capacity));
        match (first.line.0, id) {
            (Lane::Cancel, _) => 0,
            (_, BucketId::Write(_)) => capacity * CANCEL_SHARE_PERCENT / 100,
            (Lane::Background, BucketId::Read) if !first.is_lifted => {
                capacity * BACKGROUND_KEEP_PERCENT / 100
            }
            _ => 0,
        }
    }

    fn grant(&mut self, first: &First) -> Option<T> {
        let (lane, buckets) = first.line;
        let tokens = u64::from(first.tokens);
        self.each(buckets, |bucket| bucket.take(first.tokens));
        if lane != Lane::Cancel {
            let below = self.lines.iter_mut().filter(|((other, _), line)| *other > lane && line.count > 0);
            for ((_, others), line) in below {
                line.passed += if others.meets(buckets) { tokens } else { 0 };
            }
        }
        let line = self.lines.get_mut(&first.line)?;
        line.turns.granted(&first.client, first.tokens);
        line.passed = line.passed.saturating_sub(PASSED_MAX * tokens);
        let waiting = line.remove(&first.client, first.place)?;
        self.deadlines.remove(&(waiting.deadline, first.place, first.line, first.client.clone()));
        Some(waiting.ticket)
    }

    fn refuse(&mut self, id: &LineId, client: &Client, place: u64, why: Denied) {
        let waiting = self.lines.get_mut(id).and_then(|line| line.remove(client, place));
        let Some(waiting) = waiting else { return };
        self.deadlines.remove(&(waiting.deadline, place, *id, client.clone()));
        let refusal = self.refusal(why, id.0, Charge { buckets: id.1, tokens: waiting.tokens });
        self.refused.push((waiting.ticket, refusal));
    }

    fn refusal(&self, why: Denied, lane: Lane, charge: Charge) -> NoBudget {
        NoBudget { why, retry_after_ms: self.behind_all_ms(lane, charge).max(1) }
    }

    /// Returns after how many milliseconds there is room for `charge` behind all that goes before it.
    pub(super) fn room_ms(&mut self, lane: Lane, charge: Charge, now: Monotonic) -> u64 {
        self.buckets.values_mut().for_each(|bucket| bucket.refill(now));
        self.behind_all_ms(lane, charge)
    }

    fn behind_all_ms(&self, lane: Lane, charge: Charge) -> u64 {
        let wait_ns = charge.buckets.each().filter_map(|id| {
            let before = self.lines.iter().filter(|((other, on), _)| *other <= lane && on.has(id));
            let before: u64 = before.map(|(_, line)| line.tokens).sum();
            Some(self.buckets.get(&id)?.reach_ns(before + u64::from(charge.tokens)))
        });
        wait_ns.max().unwrap_or(0).div_ceil(1_000_000)
    }

    /// Returns how each bucket stands at `now`.
    pub(super) fn levels(&mut self, now: Monotonic) -> Vec<(BucketId, Level)> {
        let level = |(id, bucket): (&BucketId, &mut Bucket)| {
            bucket.refill(now);
            (*id, Level { tokens: bucket.tokens(), terms: bucket.terms(), percent: bucket.percent() })
        };
        self.buckets.iter_mut().map(level).collect()
    }

    /// Returns how many requests wait in `lane`.
    pub(super) fn waiting(&self, lane: Lane) -> usize {
        self.lines.iter().filter(|((other, _), _)| *other == lane).map(|(_, line)| line.count).sum()
    }
}

#[cfg(test)]
pub(super) mod reference;
#[cfg(test)]
mod tests;

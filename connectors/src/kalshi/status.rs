//! How the connection to the venue stands: written by the connector, read by readiness, metrics and health.
//!
//! Counters only grow. Labels come from fixed sets, except the names of unknown frames, which are bounded.

use std::collections::BTreeMap;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering::Relaxed};

use outrigger_engine::domain::{Generation, WallTime};
use outrigger_engine::venue::FeedState;
use parking_lot::Mutex;

use super::breaker_figures::BreakerFigures;
use super::budget::{Budget, BudgetFigures};
use super::strands::Place;
use super::stream_figures::StreamFigures;

/// Names of unknown frames kept apart; the rest is counted together.
const UNKNOWN_NAMES_MAX: usize = 32;
const UNKNOWN_NAME_CHARS_MAX: usize = 48;

/// Counters and latches of one venue connection.
#[derive(Debug, Default)]
pub struct VenueStatus {
    rest_ready: AtomicBool,
    limits_read: AtomicBool,
    /// One for each strand, from when it first stood anywhere.
    strands: Mutex<Vec<FeedStanding>>,
    requests: Mutex<BTreeMap<(&'static str, String), u64>>,
    unknown_frames: Mutex<BTreeMap<String, u64>>,
    budget: OnceLock<Budget>,
    pub(crate) breaker: BreakerFigures,
    problems: Mutex<BTreeMap<&'static str, Problem>>,
    clock_offset_ms: AtomicI64,
    pub(crate) stream: StreamFigures,
    pub(crate) counters: Counters,
}

/// Plain counters of the stream and the gateway.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) frames: AtomicU64,
    pub(crate) batches: AtomicU64,
    pub(crate) deltas: AtomicU64,
    pub(crate) snapshots: AtomicU64,
    pub(crate) private_items: AtomicU64,
    pub(crate) private_unreadable: AtomicU64,
    pub(crate) unreadable: AtomicU64,
    pub(crate) stray: AtomicU64,
    pub(crate) connects: AtomicU64,
    pub(crate) reconnects: AtomicU64,
    pub(crate) resubscriptions: AtomicU64,
    pub(crate) snapshot_requests: AtomicU64,
    pub(crate) reports: AtomicU64,
    pub(crate) report_failures: AtomicU64,
}

/// The state of the stream, or of one strand of it, and when it was entered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedStanding {
    pub state: FeedState,
    pub generation: Generation,
    pub reason: String,
    pub since: WallTime,
}

impl Default for FeedStanding {
    fn default() -> FeedStanding {
        FeedStanding {
            state: FeedState::Connecting,
            generation: Generation(0),
            reason: "not started".to_owned(),
            since: WallTime(0),
        }
    }
}

/// Something that does not work at present, in plain words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    pub message: String,
    /// When it was first seen in this form.
    pub since: WallTime,
}

impl VenueStatus {
    /// Tells whether a signed request was answered since the start.
    pub fn is_rest_ready(&self) -> bool {
        self.rest_ready.load(Relaxed)
    }

    /// Tells whether the account's rate limits were read, so that the budget is not a guess.
    pub fn is_limits_read(&self) -> bool {
        self.limits_read.load(Relaxed)
    }

    /// Returns how the stream as a whole stands: since the latest change of a strand, on the latest connection.
    pub fn feed(&self) -> FeedStanding {
        let strands = self.strands.lock();
        let latest = strands.iter().max_by_key(|standing| standing.since).cloned().unwrap_or_default();
        if strands.len() < 2 {
            return latest;
        }
        let standings = strands.iter().map(|standing| (standing.state, standing.reason.as_str()));
        let (state, reason) = FeedState::of_all(standings);
        let generation = strands.iter().map(|standing| standing.generation).max().unwrap_or_default();
        FeedStanding { state, reason, generation, since: latest.since }
    }

    /// Returns how each strand stands.
    pub fn strands(&self) -> Vec<FeedStanding> {
        self.strands.lock().clone()
    }

    /// Tells whether a strand at least is live.
    pub fn is_live(&self) -> bool {
        self.strands.lock().iter().any(|standing| standing.state == FeedState::Live)
    }

    /// Returns what the stream counts of itself.
    pub fn stream(&self) -> &StreamFigures {
        &self.stream
    }

    /// Returns how many requests each route answered with each status (`200`, `timeout`, ...).
    pub fn requests(&self) -> Vec<(&'static str, String, u64)> {
        let requests = self.requests.lock();
        requests.iter().map(|((route, status), count)| (*route, status.clone(), *count)).collect()
    }

    /// Returns how many frames of each type nobody here knows came.
    pub fn unknown_frames(&self) -> Vec<(String, u64)> {
        self.unknown_frames.lock().iter().map(|(kind, count)| (kind.clone(), *count)).collect()
    }

    /// Returns how the account's rate budget stands; empty before the connection is started.
    pub fn budget(&self) -> BudgetFigures {
        self.budget.get().map(Budget::figures).unwrap_or_default()
    }

    /// Returns after how many milliseconds a new order may find room and an exchange that answers; zero when it would now.
    pub fn retry_after_ms(&self) -> u64 {
        let room_ms = self.budget.get().map_or(0, Budget::room_for_order_ms);
        room_ms.max(self.breaker.retry_after_ms())
    }

    /// Returns how the breaker stands.
    pub fn breaker(&self) -> &BreakerFigures {
        &self.breaker
    }

    /// Returns what does not work at present, by part (`rest`, `stream`, `breaker`, `costs`, `catalog`).
    pub fn problems(&self) -> Vec<(&'static str, Problem)> {
        self.problems.lock().iter().map(|(part, problem)| (*part, problem.clone())).collect()
    }

    /// Returns venue time minus local time as used for signatures.
    pub fn clock_offset_ms(&self) -> i64 {
        self.clock_offset_ms.load(Relaxed)
    }

    /// Returns the plain counters with their names.
    pub fn counters(&self) -> Vec<(&'static str, u64)> {
        let c = &self.counters;
        let named = [
            ("frames", &c.frames),
            ("batches", &c.batches),
            ("deltas", &c.deltas),
            ("snapshots", &c.snapshots),
            ("private_items", &c.private_items),
            ("private_unreadable", &c.private_unreadable),
            ("unreadable", &c.unreadable),
            ("stray", &c.stray),
            ("connects", &c.connects),
            ("reconnects", &c.reconnects),
            ("resubscriptions", &c.resubscriptions),
            ("snapshot_requests", &c.snapshot_requests),
            ("reports", &c.reports),
            ("report_failures", &c.report_failures),
        ];
        let throttles = self.budget().lanes.iter().map(|lane| lane.throttled).sum();
        let counted = named.into_iter().map(|(name, counter)| (name, counter.load(Relaxed)));
        counted.chain([("throttles", throttles)]).collect()
    }

    /// Lets the budget be read. A second connection with the same status is none.
    pub(crate) fn set_budget(&self, budget: Budget) {
        let _ = self.budget.set(budget);
    }

    pub(crate) fn set_rest_ready(&self) {
        self.rest_ready.store(true, Relaxed);
    }

    pub(crate) fn set_limits_read(&self) {
        self.limits_read.store(true, Relaxed);
    }

    pub(crate) fn set_strand(&self, place: Place, standing: FeedStanding) {
        let mut strands = self.strands.lock();
        strands.resize_with(place.of, FeedStanding::default);
        if let Some(held) = strands.get_mut(place.index) {
            *held = standing;
        }
    }

    pub(crate) fn set_clock_offset_ms(&self, offset_ms: i64) {
        self.clock_offset_ms.store(offset_ms, Relaxed);
    }

    /// Records that `part` does not work; the moment it began stays while the message does.
    pub(crate) fn problem(&self, part: &'static str, message: &str, now: WallTime) {
        let mut problems = self.problems.lock();
        if problems.get(part).is_none_or(|problem| problem.message != message) {
            tracing::warn!(part, message, "the exchange connection has a problem");
            problems.insert(part, Problem { message: message.to_owned(), since: now });
        }
    }

    pub(crate) fn solved(&self, part: &'static str) {
        if self.problems.lock().remove(part).is_some() {
            tracing::info!(part, "the problem is over");
        }
    }

    pub(crate) fn count_request(&self, route: &'static str, status: String) {
        *self.requests.lock().entry((route, status)).or_default() += 1;
    }

    pub(crate) fn count_unknown(&self, kind: &str) {
        let mut unknown = self.unknown_frames.lock();
        let name: String = kind.chars().take(UNKNOWN_NAME_CHARS_MAX).collect();
        let has_room = unknown.len() < UNKNOWN_NAMES_MAX || unknown.contains_key(&name);
        *unknown.entry(if has_room { name } else { "(others)".to_owned() }).or_default() += 1;
    }
}

/// Adds one.
pub(crate) fn bump(counter: &AtomicU64) {
    counter.fetch_add(1, Relaxed);
}

#[cfg(test)]
mod tests {
    use outrigger_engine::domain::WallTime;

    use super::{UNKNOWN_NAMES_MAX, VenueStatus};

    #[test]
    fn names_of_unknown_frames_are_bounded() {
        let status = VenueStatus::default();
        for number in 0..1_000 {
            status.count_unknown(&format!("type_{number}_{}", "x".repeat(500)));
        }
        let unknown = status.unknown_frames();
        assert_eq!(unknown.len(), UNKNOWN_NAMES_MAX + 1);
        assert_eq!(unknown.iter().map(|(_, count)| count).sum::<u64>(), 1_000);
    }

    #[test]
    fn a_problem_keeps_the_moment_it_began() {
        let status = VenueStatus::default();
        status.problem("rest", "no answer", WallTime(1));
        status.problem("rest", "no answer", WallTime(2));
        assert_eq!(status.problems()[0].1.since, WallTime(1));
        status.solved("rest");
        assert!(status.problems().is_empty());
    }
}

//! What the gateway knows of itself: readiness and counters, read by `/readyz` and `/metrics`.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering::Relaxed};

use parking_lot::Mutex;

use crate::kalshi::budget::BudgetStats;

#[derive(Debug, Default)]
pub struct RestStatus {
    /// A signed request was answered as ours.
    pub is_ready: AtomicBool,
    /// The account's limits were read from the venue.
    pub has_limits: AtomicBool,
    pub requests: AtomicU64,
    pub latency_us_last: AtomicU64,
    pub latency_us_sum: AtomicU64,
    /// Venue clock minus ours, milliseconds.
    pub clock_offset_ms: AtomicI64,
    pub budget: Arc<BudgetStats>,
    /// Answers by route and status; 0 stands for none.
    answers: Mutex<BTreeMap<(&'static str, u16), u64>>,
    trouble: Mutex<Option<String>>,
}

impl RestStatus {
    pub(super) fn answered(&self, route: &'static str, status: u16, latency_us: u64) {
        self.requests.fetch_add(1, Relaxed);
        self.latency_us_last.store(latency_us, Relaxed);
        self.latency_us_sum.fetch_add(latency_us, Relaxed);
        *self.answers.lock().entry((route, status)).or_default() += 1;
    }

    /// Says what is wrong, in words for a person; `None` once it works.
    pub(super) fn set_trouble(&self, trouble: Option<String>) {
        *self.trouble.lock() = trouble;
    }

    pub fn trouble(&self) -> Option<String> {
        self.trouble.lock().clone()
    }

    /// Answers by route and status; status 0 stands for no answer.
    pub fn answers(&self) -> BTreeMap<(&'static str, u16), u64> {
        self.answers.lock().clone()
    }
}

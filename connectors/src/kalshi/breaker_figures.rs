//! What the breaker counts, for metrics.

use std::sync::atomic::{AtomicU8, AtomicU64, Ordering::Relaxed};

use crate::net::BreakerState;

/// How the breaker stands and how often it changed.
#[derive(Debug, Default)]
pub struct BreakerFigures {
    state: AtomicU8,
    entered: [AtomicU64; 3],
    refused: AtomicU64,
    retry_after_ms: AtomicU64,
}

impl BreakerFigures {
    /// Returns `closed`, `open` and `half_open`, each with whether it is so now and how often it was entered.
    pub fn states(&self) -> Vec<(&'static str, bool, u64)> {
        let now = self.state.load(Relaxed);
        let states = BreakerState::ALL.into_iter().zip(&self.entered);
        states.map(|(state, count)| (state.as_str(), state as u8 == now, count.load(Relaxed))).collect()
    }

    /// Returns how many requests it refused.
    pub fn refused(&self) -> u64 {
        self.refused.load(Relaxed)
    }

    /// Returns what the last refusal said; zero while it lets everything pass.
    pub(crate) fn retry_after_ms(&self) -> u64 {
        self.retry_after_ms.load(Relaxed)
    }

    pub(crate) fn enter(&self, state: BreakerState) {
        if state == BreakerState::Closed {
            self.retry_after_ms.store(0, Relaxed);
        }
        self.state.store(state as u8, Relaxed);
        if let Some(count) = self.entered.get(usize::from(state as u8)) {
            count.fetch_add(1, Relaxed);
        }
    }

    pub(crate) fn refuse(&self, retry_after_ms: u64) {
        self.retry_after_ms.store(retry_after_ms, Relaxed);
        self.refused.fetch_add(1, Relaxed);
    }
}

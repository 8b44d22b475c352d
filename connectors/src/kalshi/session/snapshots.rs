//! Snapshots that were asked for and did not come yet: when asking once more is not enough any more.

use std::collections::BTreeMap;

use outrigger_engine::domain::Ticker;

/// A snapshot that takes longer does not come.
const ANSWER_MS: u64 = 5_000;
/// Unsubscribing and subscribing anew is the second resort, at most this often.
const RESUBSCRIBE_EVERY_MS: u64 = 30_000;

#[derive(Debug, Default)]
pub(super) struct Snapshots {
    /// When each was first asked for.
    asked: BTreeMap<Ticker, u64>,
    resubscribed_ms: Option<u64>,
}

impl Snapshots {
    pub(super) fn asked(&mut self, tickers: &[Ticker], now_ms: u64) {
        for ticker in tickers {
            self.asked.entry(ticker.clone()).or_insert(now_ms);
        }
    }

    pub(super) fn came(&mut self, ticker: &Ticker) {
        self.asked.remove(ticker);
    }

    pub(super) fn clear(&mut self) {
        self.asked.clear();
    }

    /// Tells whether a snapshot is overdue and the second resort may be taken; it then counts as taken.
    pub(super) fn must_resubscribe(&mut self, now_ms: u64) -> bool {
        let is_late = self.asked.values().any(|asked| now_ms.saturating_sub(*asked) >= ANSWER_MS);
        let is_spaced =
            self.resubscribed_ms.is_none_or(|last| now_ms.saturating_sub(last) >= RESUBSCRIBE_EVERY_MS);
        if is_late && is_spaced {
            self.resubscribed_ms = Some(now_ms);
        }
        is_late && is_spaced
    }
}

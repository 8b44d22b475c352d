//! Snapshots that are owed: first ones of subscribed books, and those that were asked for. When asking once more is due, and
//! when it is not enough any more.

use std::collections::BTreeMap;

use outrigger_engine::domain::Ticker;

/// A snapshot that takes longer does not come.
const ANSWER_MS: u64 = 5_000;
/// The second resort, unsubscribing and subscribing anew, is taken at most this often; a first snapshot that does not come is
/// asked for as often.
const RESUBSCRIBE_EVERY_MS: u64 = 30_000;

/// A first snapshot that has not come.
#[derive(Debug, Clone, Copy)]
struct First {
    since_ms: u64,
    asked_ms: Option<u64>,
}

#[derive(Debug, Default)]
pub(super) struct Snapshots {
    firsts: BTreeMap<Ticker, First>,
    /// When each was first asked for.
    asked: BTreeMap<Ticker, u64>,
    resubscribed_ms: Option<u64>,
}

impl Snapshots {
    /// Books were subscribed: the venue sends each once by itself.
    pub(super) fn expect<'a>(&mut self, tickers: impl Iterator<Item = &'a Ticker>, now_ms: u64) {
        for ticker in tickers {
            self.firsts.entry(ticker.clone()).or_insert(First { since_ms: now_ms, asked_ms: None });
        }
    }

    pub(super) fn asked(&mut self, tickers: &[Ticker], now_ms: u64) {
        for ticker in tickers {
            self.asked.entry(ticker.clone()).or_insert(now_ms);
        }
    }

    pub(super) fn came(&mut self, ticker: &Ticker) {
        self.firsts.remove(ticker);
        self.asked.remove(ticker);
    }

    /// The book is not wanted any more.
    pub(super) fn forget(&mut self, ticker: &Ticker) {
        self.came(ticker);
    }

    pub(super) fn clear(&mut self) {
        self.firsts.clear();
        self.asked.clear();
    }

    /// Tells whether a first snapshot may still be on its way, or the one question for it unanswered. Beyond that the market
    /// has none to send (it may not have begun), and holds nothing up.
    pub(super) fn awaits_firsts(&self, now_ms: u64) -> bool {
        self.firsts.values().any(|first| now_ms.saturating_sub(first.since_ms) < 2 * ANSWER_MS)
    }

    /// Returns the first snapshots to ask for now; they then count as asked.
    pub(super) fn overdue_firsts(&mut self, now_ms: u64) -> Vec<Ticker> {
        let is_due = |first: &First| match first.asked_ms {
            None => now_ms.saturating_sub(first.since_ms) >= ANSWER_MS,
            Some(asked_ms) => now_ms.saturating_sub(asked_ms) >= RESUBSCRIBE_EVERY_MS,
        };
        let due = self.firsts.iter_mut().filter(|(_, first)| is_due(first));
        due.map(|(ticker, first)| {
            first.asked_ms = Some(now_ms);
            ticker.clone()
        })
        .collect()
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

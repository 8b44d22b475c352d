//! Snapshots that are on their way: when each is asked for again, and when asking is not enough any more.
//!
//! The first resort is to ask, each time twice as long after the last; the second to subscribe anew; the third another
//! connection. None of them can become a storm: the waits grow with every attempt that does not help, and a book that was
//! asked for a moment ago waits its turn even if it is in trouble again.

use std::collections::BTreeMap;

use outrigger_engine::domain::{Monotonic, Ticker};

/// Between two requests for the same snapshot: doubled each time, up to the ceiling.
const ASK_FIRST_MS: u64 = 1_000;
const ASK_CEILING_MS: u64 = 8_000;
/// A subscription sends the snapshots of its markets by itself; only after so long are they asked for.
const SUBSCRIBED_MS: u64 = 5_000;
/// Requests without an answer before the next resort.
const ASKS_MAX: u32 = 3;
/// Between two resubscriptions: doubled while they do not help.
const RESUBSCRIBE_FIRST_MS: u64 = 2_000;
const RESUBSCRIBE_CEILING_MS: u64 = 64_000;
/// Requests remembered, to tell which one a snapshot answers.
const REQUESTS_MAX: usize = 1_024;

/// What asking again cannot do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Resort {
    Resubscribe,
    Reconnect,
}

/// Why a snapshot is awaited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cause {
    /// It is the first on its subscription. The market may have none to send, so nothing follows if it does not come.
    First,
    /// The book is suspect.
    Suspect,
    /// The book is suspect, and a new subscription was made for it. Another one would not help.
    Renewed,
}

/// One market's snapshot.
#[derive(Debug)]
struct Ask {
    /// It did not come yet.
    is_open: bool,
    /// Requests without an answer.
    asks: u32,
    /// When to ask at the earliest.
    next_ms: u64,
    wait_ms: u64,
    cause: Cause,
}

#[derive(Debug, Default)]
pub(super) struct Snapshots {
    asks: BTreeMap<Ticker, Ask>,
    requests: BTreeMap<u64, Monotonic>,
    /// When the book subscription may be made anew.
    resubscribe_ms: u64,
    resubscribe_wait_ms: u64,
    /// Resubscribed, and nothing has come since.
    is_mute: bool,
    /// Connections given up in a row because no snapshot came.
    reconnects: u32,
}

impl Snapshots {
    /// Returns those of `tickers` that should be asked for at once; the others are, or were a moment ago.
    pub(super) fn ask(&mut self, tickers: &[Ticker], now_ms: u64) -> Vec<Ticker> {
        let mut due = Vec::new();
        for ticker in tickers {
            let ask = self.asks.entry(ticker.clone()).or_insert_with(|| Ask::new(now_ms));
            if ask.is_open && ask.cause != Cause::First {
                continue;
            }
            if ask.is_open || ask.next_ms <= now_ms {
                ask.asks = 0;
                ask.sent(now_ms);
                due.push(ticker.clone());
            }
            (ask.is_open, ask.cause) = (true, Cause::Suspect);
        }
        due
    }

    /// Books were subscribed: the venue sends each once by itself.
    pub(super) fn expect<'a>(&mut self, tickers: impl Iterator<Item = &'a Ticker>, now_ms: u64) {
        for ticker in tickers {
            let ask = self.asks.entry(ticker.clone()).or_insert_with(|| Ask::new(now_ms));
            ask.cause = if ask.is_open && ask.cause != Cause::First { Cause::Renewed } else { Cause::First };
            (ask.is_open, ask.asks) = (true, 0);
            ask.next_ms = now_ms.saturating_add(SUBSCRIBED_MS);
        }
    }

    /// The book is not wanted any more.
    pub(super) fn forget(&mut self, ticker: &Ticker) {
        self.asks.remove(ticker);
    }

    /// A snapshot came.
    pub(super) fn came(&mut self, ticker: &Ticker) {
        if let Some(ask) = self.asks.get_mut(ticker) {
            (ask.is_open, ask.asks) = (false, 0);
        }
        if self.is_mute {
            self.is_mute = false;
            self.resubscribe_wait_ms = RESUBSCRIBE_FIRST_MS;
        }
        self.reconnects = 0;
    }

    /// Tells whether a first snapshot may still be on its way, or the one question for it unanswered. Beyond that the market
    /// has none to send (it may not have begun), and holds nothing up.
    pub(super) fn awaits_firsts(&self) -> bool {
        self.asks.values().any(|ask| ask.is_open && ask.cause == Cause::First && ask.asks <= 1)
    }

    /// Begins anew on another connection. How often that was in vain is remembered.
    pub(super) fn clear(&mut self) {
        *self = Snapshots {
            reconnects: self.reconnects,
            resubscribe_wait_ms: RESUBSCRIBE_FIRST_MS,
            ..Snapshots::default()
        };
    }

    /// Notes when command `id` was sent.
    pub(super) fn requested(&mut self, id: u64, now: Monotonic) {
        if self.requests.len() == REQUESTS_MAX {
            self.requests.pop_first();
        }
        self.requests.insert(id, now);
    }

    /// Returns when the request was sent that a snapshot with this `id` answers.
    pub(super) fn asked_at(&self, id: Option<u64>) -> Option<Monotonic> {
        self.requests.get(&id?).copied()
    }

    /// Returns the snapshots to ask for, and the next resort where asking was in vain. Call about once a second.
    pub(super) fn due(&mut self, now_ms: u64) -> (Vec<Ticker>, Option<Resort>) {
        let patience = ASKS_MAX.saturating_mul(1 << self.reconnects.min(6));
        let mut due = Vec::new();
        let (mut in_vain, mut is_silent) = (false, false);
        for (ticker, ask) in self.asks.iter_mut().filter(|(_, ask)| ask.is_open && ask.next_ms <= now_ms) {
            is_silent |= ask.asks >= patience;
            in_vain |= ask.asks >= patience && ask.cause == Cause::Suspect;
            ask.sent(now_ms);
            due.push(ticker.clone());
        }
        self.asks.retain(|_, ask| ask.is_open || now_ms.saturating_sub(ask.next_ms) < ASK_CEILING_MS);
        if is_silent && self.is_mute {
            self.reconnects = self.reconnects.saturating_add(1);
            return (Vec::new(), Some(Resort::Reconnect));
        }
        if in_vain && self.may_resubscribe(now_ms) {
            self.is_mute = true;
            return (Vec::new(), Some(Resort::Resubscribe));
        }
        (due, None)
    }

    /// Tells whether the subscription may be made anew now; it then counts as done.
    pub(super) fn may_resubscribe(&mut self, now_ms: u64) -> bool {
        if now_ms < self.resubscribe_ms {
            return false;
        }
        let wait_ms = self.resubscribe_wait_ms.max(RESUBSCRIBE_FIRST_MS);
        self.resubscribe_ms = now_ms.saturating_add(wait_ms);
        self.resubscribe_wait_ms = wait_ms.saturating_mul(2).min(RESUBSCRIBE_CEILING_MS);
        true
    }
}

impl Ask {
    fn new(now_ms: u64) -> Ask {
        Ask { is_open: false, asks: 0, next_ms: now_ms, wait_ms: ASK_FIRST_MS, cause: Cause::First }
    }

    fn sent(&mut self, now_ms: u64) {
        self.asks = self.asks.saturating_add(1);
        self.next_ms = now_ms.saturating_add(self.wait_ms);
        self.wait_ms = self.wait_ms.saturating_mul(2).min(ASK_CEILING_MS);
    }
}

#[cfg(test)]
mod tests;

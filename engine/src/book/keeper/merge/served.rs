//! A book as it is served of two strands.

use crate::book::one::{Book, Legs};
use crate::book::view::{BookView, Trust};
use crate::domain::{Monotonic, Ticker};

/// See the module.
#[derive(Debug)]
pub(super) struct Served {
    pub(super) legs: Legs,
    pub(super) trust: Trust,
    pub(super) seq: u64,
    /// Everything at or below it is in the levels, but for changes of this very clock that the leader has yet to tell.
    pub(super) clock: Option<i64>,
    /// The strand whose book it is; `None` while it is not live, or waits for a strand to come as far.
    pub(super) leader: Option<usize>,
    pub(super) touched: Monotonic,
}

impl Default for Served {
    fn default() -> Served {
        let (legs, touched) = (Legs::default(), Monotonic(0));
        Served { legs, trust: Trust::Stale, seq: 0, clock: None, leader: None, touched }
    }
}

impl Served {
    /// Tells whether a change of `clock` that does not come from the leader makes its strand the leader.
    pub(super) fn may_lead(&self, clock: Option<i64>) -> bool {
        match self.leader {
            Some(_) => is_beyond(clock, self.clock),
            None => has_reached(clock, self.clock) || self.trust != Trust::Live,
        }
    }

    /// Takes a strand's book over.
    pub(super) fn be(&mut self, book: &Book, leader: usize, now: Monotonic) {
        self.legs.clone_from(book.legs());
        (self.seq, self.clock) = (book.watermark().seq, book.watermark().clock);
        (self.leader, self.touched) = (Some(leader), now);
    }

    pub(super) fn view(&self, ticker: &Ticker, now: Monotonic) -> BookView {
        let age_ms = now.millis_since(self.touched);
        self.legs.view(ticker.clone(), self.seq, self.trust, age_ms)
    }
}

/// Tells whether `clock` is after all that was served.
pub(super) fn is_beyond(clock: Option<i64>, served: Option<i64>) -> bool {
    matches!((clock, served), (Some(clock), Some(served)) if clock > served)
}

/// Tells whether nothing that was served is missing at `clock`, as far as clocks tell.
pub(super) fn has_reached(clock: Option<i64>, served: Option<i64>) -> bool {
    !matches!((clock, served), (Some(clock), Some(served)) if clock < served)
}

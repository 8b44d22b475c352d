//! What two strands tell alike, told once: messages without a number that both would know them by.
//!
//! The first telling is passed on and remembered for a while; the same words of the other strand cancel it out. So the same
//! message twice on one strand is told twice. A quote replaces the one before it and is only told if it is another, not an
//! older one. Never here: books, trades.

use std::collections::{HashMap, VecDeque};

use foldhash::fast::FixedState;

use crate::domain::{Monotonic, Ticker};
use crate::stream::Announcement;
use crate::venue::Quote;

/// The other strand tells the same within this time, or never.
const REMEMBERED_MS: u64 = 30_000;
/// Beyond that many the oldest is forgotten, and would be told twice.
const REMEMBERED_MAX: usize = 4_096;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Echo {
    told: VecDeque<(usize, Monotonic, Announcement)>,
    quotes: HashMap<Ticker, Quote, FixedState>,
}

impl Echo {
    /// Tells whether what `strand` says was said before by the other one.
    pub(super) fn is_known(&mut self, strand: usize, announcement: &Announcement) -> bool {
        let now = match announcement {
            Announcement::Quote { quote, .. } => return self.is_old(quote),
            Announcement::Lifecycle { received, .. }
            | Announcement::Event { received, .. }
            | Announcement::OrderGroup { received, .. }
            | Announcement::Communication { received, .. } => received.monotonic,
            _ => return false,
        };
        while let Some((_, at, _)) = self.told.front()
            && (now.millis_since(*at) >= REMEMBERED_MS || self.told.len() >= REMEMBERED_MAX)
        {
            self.told.pop_front();
        }
        let is_echo =
            |(by, _, told): &(usize, Monotonic, Announcement)| *by != strand && is_same(told, announcement);
        match self.told.iter().position(is_echo) {
            Some(at) => {
                self.told.remove(at);
                true
            }
            None => {
                self.told.push_back((strand, now, announcement.clone()));
                false
            }
        }
    }

    pub(super) fn forget(&mut self, ticker: &Ticker) {
        self.quotes.remove(ticker);
    }

    fn is_old(&mut self, quote: &Quote) -> bool {
        let Some(last) = self.quotes.get_mut(&quote.ticker) else {
            self.quotes.insert(quote.ticker.clone(), quote.clone());
            return false;
        };
        let is_older = matches!((quote.ts_ms, last.ts_ms), (Some(at), Some(known)) if at < known);
        if is_older || quote == last {
            return true;
        }
        last.clone_from(quote);
        false
    }
}

/// Tells whether two messages say the same, whenever they came.
fn is_same(one: &Announcement, other: &Announcement) -> bool {
    use Announcement as A;
    match (one, other) {
        (A::Lifecycle { event: a, .. }, A::Lifecycle { event: b, .. }) => a == b,
        (A::Event { notice: a, .. }, A::Event { notice: b, .. }) => a == b,
        (A::OrderGroup { notice: a, .. }, A::OrderGroup { notice: b, .. }) => a == b,
        (A::Communication { message: a, .. }, A::Communication { message: b, .. }) => a == b,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::{Echo, REMEMBERED_MS};
    use crate::domain::{Monotonic, Now, VenueTime};
    use crate::stream::Announcement;
    use crate::venue::{LifecycleEvent, Quote};

    fn event(kind: &str, ms: u64) -> Announcement {
        let received = Now { monotonic: Monotonic(ms * 1_000_000), ..Now::default() };
        Announcement::Lifecycle { event: LifecycleEvent::new("A".into(), kind), received }
    }

    fn quote(ts_ms: i64, bid: &str) -> Announcement {
        let quote = Quote {
            ticker: "A".into(),
            last_price: None,
            yes_bid: Some(bid.parse().unwrap()),
            yes_ask: None,
            volume: None,
            open_interest: None,
            ts_ms: Some(VenueTime(ts_ms)),
        };
        Announcement::Quote { quote, received: Now::default() }
    }

    #[test]
    fn each_message_is_told_once_whichever_strand_is_first_and_twice_if_it_came_twice() {
        let mut echo = Echo::default();
        let mut known = |strand, kind, ms| echo.is_known(strand, &event(kind, ms));
        assert!(!known(0, "activated", 1) && known(1, "activated", 2));
        assert!(!known(1, "deactivated", 3) && !known(1, "activated", 4));
        assert!(known(0, "deactivated", 5) && known(0, "activated", 6));
        assert!(!known(0, "activated", 7) && !known(0, "activated", 8), "twice on one strand");
        assert!(known(1, "activated", 9) && known(1, "activated", 10));
        assert!(!known(0, "settled", 11) && !known(1, "settled", 11 + REMEMBERED_MS), "another time");
    }

    #[test]
    fn a_quote_is_told_if_it_is_new() {
        let mut echo = Echo::default();
        assert!(!echo.is_known(0, &quote(5, "0.4000")) && echo.is_known(1, &quote(5, "0.4000")));
        assert!(!echo.is_known(1, &quote(6, "0.4100")));
        assert!(echo.is_known(0, &quote(5, "0.4200")), "older");
        assert!(!echo.is_known(0, &quote(7, "0.4000")), "as before, and newer");
    }
}

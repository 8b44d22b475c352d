//! Holds ticker messages back so that each market speaks about once a second, always with its newest state.
//!
//! Times are the exchange's, in microseconds.

use std::collections::BTreeMap;
use std::sync::Arc;

/// The exchange sends at most one ticker message per market in this time.
const INTERVAL_US: i64 = 1_000_000;

/// An event inside its batch.
pub(super) type Waiting<E> = (Arc<[E]>, usize);

struct Market<E> {
    sent_at_us: i64,
    waiting: Option<Waiting<E>>,
}

/// The ticker messages of one connection.
pub(super) struct Throttle<E> {
    markets: BTreeMap<String, Market<E>>,
    due_at_us: Option<i64>,
}

impl<E> Default for Throttle<E> {
    fn default() -> Self {
        Self { markets: BTreeMap::new(), due_at_us: None }
    }
}

impl<E> Throttle<E> {
    /// Tells whether a message may be sent at once; if not, it waits and replaces one that waited.
    pub(super) fn admit(&mut self, ticker: &str, now_us: i64, waiting: impl FnOnce() -> Waiting<E>) -> bool {
        let Some(market) = self.markets.get_mut(ticker) else {
            self.markets.insert(ticker.to_owned(), Market { sent_at_us: now_us, waiting: None });
            return true;
        };
        let free_at_us = market.sent_at_us + INTERVAL_US;
        if now_us >= free_at_us {
            market.sent_at_us = now_us;
            market.waiting = None;
            return true;
        }
        market.waiting = Some(waiting());
        self.due_at_us = Some(self.due_at_us.map_or(free_at_us, |due_at_us| due_at_us.min(free_at_us)));
        false
    }

    /// Returns when the next waiting message may be sent.
    pub(super) fn due_at_us(&self) -> Option<i64> {
        self.due_at_us
    }

    /// Takes the messages that may be sent by now.
    pub(super) fn take_due(&mut self, now_us: i64) -> Vec<Waiting<E>> {
        if self.due_at_us.is_none_or(|due_at_us| due_at_us > now_us) {
            return Vec::new();
        }
        self.due_at_us = None;
        let mut due = Vec::new();
        for market in self.markets.values_mut().filter(|market| market.waiting.is_some()) {
            let free_at_us = market.sent_at_us + INTERVAL_US;
            if free_at_us <= now_us {
                market.sent_at_us = now_us;
                due.extend(market.waiting.take());
            } else {
                self.due_at_us =
                    Some(self.due_at_us.map_or(free_at_us, |due_at_us| due_at_us.min(free_at_us)));
            }
        }
        due
    }

    /// Forgets everything: the subscription ended.
    pub(super) fn clear(&mut self) {
        self.markets.clear();
        self.due_at_us = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_market_speaks_once_a_second_with_its_newest_state() {
        let at = |ms: i64| 7_000_000 + ms * 1_000;
        let mut throttle = Throttle::<u32>::default();
        let event = |value| move || (Arc::from([value]), 0);
        assert!(throttle.admit("A", at(0), event(1)));
        assert!(throttle.admit("B", at(100), event(2)));
        assert!(!throttle.admit("A", at(200), event(3)));
        assert!(!throttle.admit("A", at(300), event(4)));
        assert!(!throttle.admit("B", at(300), event(5)));
        assert_eq!(throttle.due_at_us(), Some(at(1_000)));
        assert!(throttle.take_due(at(999)).is_empty());
        let due: Vec<u32> = throttle.take_due(at(1_050)).iter().map(|(batch, index)| batch[*index]).collect();
        assert_eq!(due, [4]);
        assert_eq!(throttle.due_at_us(), Some(at(1_100)));
        assert_eq!(throttle.take_due(at(1_100)).len(), 1);
        assert_eq!(throttle.due_at_us(), None);
        assert!(throttle.admit("A", at(2_100), event(6)));
    }
}

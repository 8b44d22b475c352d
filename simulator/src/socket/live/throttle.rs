//! Holds ticker messages back so that each market speaks about once a second, always with its newest state.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

/// The exchange sends at most one ticker message per market in this time.
const INTERVAL: Duration = Duration::from_secs(1);

/// An event inside its batch.
pub(super) type Waiting<E> = (Arc<[E]>, usize);

struct Market<E> {
    sent_at: Instant,
    waiting: Option<Waiting<E>>,
}

/// The ticker messages of one connection.
pub(super) struct Throttle<E> {
    markets: HashMap<String, Market<E>>,
    due_at: Option<Instant>,
}

impl<E> Default for Throttle<E> {
    fn default() -> Self {
        Self { markets: HashMap::new(), due_at: None }
    }
}

impl<E> Throttle<E> {
    /// Tells whether a message may be sent at once; if not, it waits and replaces one that waited.
    pub(super) fn admit(&mut self, ticker: &str, now: Instant, waiting: impl FnOnce() -> Waiting<E>) -> bool {
        let Some(market) = self.markets.get_mut(ticker) else {
            self.markets.insert(ticker.to_owned(), Market { sent_at: now, waiting: None });
            return true;
        };
        let free_at = market.sent_at + INTERVAL;
        if now >= free_at {
            market.sent_at = now;
            market.waiting = None;
            return true;
        }
        market.waiting = Some(waiting());
        self.due_at = Some(self.due_at.map_or(free_at, |due_at| due_at.min(free_at)));
        false
    }

    /// Returns when the next waiting message may be sent.
    pub(super) fn due_at(&self) -> Option<Instant> {
        self.due_at
    }

    /// Takes the messages that may be sent by now.
    pub(super) fn take_due(&mut self, now: Instant) -> Vec<Waiting<E>> {
        if self.due_at.is_none_or(|due_at| due_at > now) {
            return Vec::new();
        }
        self.due_at = None;
        let mut due = Vec::new();
        for market in self.markets.values_mut().filter(|market| market.waiting.is_some()) {
            let free_at = market.sent_at + INTERVAL;
            if free_at <= now {
                market.sent_at = now;
                due.extend(market.waiting.take());
            } else {
                self.due_at = Some(self.due_at.map_or(free_at, |due_at| due_at.min(free_at)));
            }
        }
        due
    }

    /// Forgets everything: the subscription ended.
    pub(super) fn clear(&mut self) {
        self.markets.clear();
        self.due_at = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_market_speaks_once_a_second_with_its_newest_state() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut throttle = Throttle::<u32>::default();
        let event = |value| move || (Arc::from([value]), 0);
        assert!(throttle.admit("A", at(0), event(1)));
        assert!(throttle.admit("B", at(100), event(2)));
        assert!(!throttle.admit("A", at(200), event(3)));
        assert!(!throttle.admit("A", at(300), event(4)));
        assert!(!throttle.admit("B", at(300), event(5)));
        assert_eq!(throttle.due_at(), Some(at(1_000)));
        assert!(throttle.take_due(at(999)).is_empty());
        let due: Vec<u32> = throttle.take_due(at(1_050)).iter().map(|(batch, index)| batch[*index]).collect();
        assert_eq!(due, [4]);
        assert_eq!(throttle.due_at(), Some(at(1_100)));
        assert_eq!(throttle.take_due(at(1_100)).len(), 1);
        assert_eq!(throttle.due_at(), None);
        assert!(throttle.admit("A", at(2_100), event(6)));
    }
}

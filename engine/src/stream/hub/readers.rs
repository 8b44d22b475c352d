//! How many clients are subscribed to something of each market. A wildcard counts for none: it follows whatever is there.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::Ticker;
use crate::stream::topic::TopicFilter;

#[derive(Debug, Default)]
pub(super) struct Readers {
    counts: BTreeMap<Ticker, usize>,
    changed: BTreeSet<Ticker>,
}

impl Readers {
    /// A client has a new filter.
    pub(super) fn came(&mut self, filter: &TopicFilter) {
        let Some(ticker) = market(filter) else { return };
        let count = self.counts.entry(ticker.clone()).or_default();
        *count += 1;
        if *count == 1 {
            self.changed.insert(ticker.clone());
        }
    }

    /// A client has a filter no more.
    pub(super) fn left(&mut self, filter: &TopicFilter) {
        let Some(ticker) = market(filter) else { return };
        let Some(count) = self.counts.get_mut(ticker) else { return };
        *count = count.saturating_sub(1);
        if *count == 0 {
            self.counts.remove(ticker);
            self.changed.insert(ticker.clone());
        }
    }

    pub(super) fn take_changes(&mut self) -> Vec<(Ticker, bool)> {
        let changed = std::mem::take(&mut self.changed);
        changed.into_iter().map(|ticker| (ticker.clone(), self.counts.contains_key(&ticker))).collect()
    }

    pub(super) fn tell_again(&mut self, ticker: Ticker) {
        self.changed.insert(ticker);
    }
}

fn market(filter: &TopicFilter) -> Option<&Ticker> {
    match filter {
        TopicFilter::One(topic) => topic.ticker(),
        TopicFilter::All(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::Readers;
    use crate::domain::Ticker;

    #[test]
    fn the_first_and_the_last_reader_of_a_market_are_told_once() {
        let mut readers = Readers::default();
        let filter = |text: &str| text.parse().unwrap();
        readers.came(&filter("book:A"));
        readers.came(&filter("trades:A"));
        readers.came(&filter("book:*"));
        readers.came(&filter("orders"));
        assert_eq!(readers.take_changes(), [(Ticker::from("A"), true)]);
        readers.left(&filter("book:A"));
        assert_eq!(readers.take_changes(), []);
        readers.left(&filter("trades:A"));
        readers.left(&filter("book:*"));
        assert_eq!(readers.take_changes(), [(Ticker::from("A"), false)]);
        readers.tell_again(Ticker::from("A"));
        assert_eq!(readers.take_changes(), [(Ticker::from("A"), false)]);
        readers.left(&filter("trades:A"));
        assert_eq!(readers.take_changes(), []);
    }
}

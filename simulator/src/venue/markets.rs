//! The markets of the exchange: found fast by ticker, listed in the order of their tickers.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::hash::Map;
use super::market::Market;
use super::order::Order;

/// Invariant: both tables name the same slots, and every named slot holds its market.
#[derive(Debug, Default)]
pub struct Markets {
    slots: Vec<Option<Market>>,
    free: Vec<usize>,
    by_ticker: Map<Arc<str>, usize>,
    ordered: BTreeMap<Arc<str>, usize>,
}

impl Markets {
    pub fn get(&self, ticker: &str) -> Option<&Market> {
        self.slots.get(*self.by_ticker.get(ticker)?)?.as_ref()
    }

    pub fn get_mut(&mut self, ticker: &str) -> Option<&mut Market> {
        self.slots.get_mut(*self.by_ticker.get(ticker)?)?.as_mut()
    }

    /// The market of an order, without a look at the table of tickers.
    pub(super) fn of(&self, order: &Order) -> Option<&Market> {
        let held = self.slots.get(order.market).and_then(Option::as_ref);
        // A slot can be given away, and a market replaced.
        held.filter(|market| Arc::ptr_eq(&market.ticker, &order.ticker)).or_else(|| self.get(&order.ticker))
    }

    pub(super) fn of_mut(&mut self, order: &Order) -> Option<&mut Market> {
        let held = self.slots.get(order.market).and_then(Option::as_ref);
        if !held.is_some_and(|market| Arc::ptr_eq(&market.ticker, &order.ticker)) {
            return self.get_mut(&order.ticker);
        }
        self.slots.get_mut(order.market)?.as_mut()
    }

    /// Finds a market and the slot that holds it.
    pub(super) fn slot_of(&self, ticker: &str) -> Option<(usize, &Market)> {
        let slot = *self.by_ticker.get(ticker)?;
        Some((slot, self.slots.get(slot)?.as_ref()?))
    }

    pub fn contains_key(&self, ticker: &str) -> bool {
        self.by_ticker.contains_key(ticker)
    }

    pub fn len(&self) -> usize {
        self.ordered.len()
    }

    pub fn is_empty(&self) -> bool {
        self.ordered.is_empty()
    }

    pub fn insert(&mut self, ticker: Arc<str>, market: Market) {
        if let Some(held) = self.get_mut(&ticker) {
            *held = market;
            return;
        }
        let slot = self.free.pop().unwrap_or(self.slots.len());
        match self.slots.get_mut(slot) {
            Some(free) => *free = Some(market),
            None => self.slots.push(Some(market)),
        }
        self.by_ticker.insert(Arc::clone(&ticker), slot);
        self.ordered.insert(ticker, slot);
    }

    pub fn iter(&self) -> impl Iterator<Item = (&Arc<str>, &Market)> {
        self.ordered.iter().filter_map(|(ticker, slot)| Some((ticker, self.slots.get(*slot)?.as_ref()?)))
    }

    pub fn keys(&self) -> impl Iterator<Item = &Arc<str>> {
        self.ordered.keys()
    }

    pub fn values(&self) -> impl Iterator<Item = &Market> {
        self.iter().map(|(_, market)| market)
    }

    /// Markets in the order in which they were listed, save that gaps are filled.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut Market> {
        self.slots.iter_mut().flatten()
    }

    /// Removes every market that `keep` does not want.
    pub fn retain(&mut self, mut keep: impl FnMut(&Arc<str>, &Market) -> bool) {
        let gone: Vec<Arc<str>> = self
            .iter()
            .filter(|(ticker, market)| !keep(ticker, market))
            .map(|(ticker, _)| Arc::clone(ticker))
            .collect();
        for ticker in gone {
            self.ordered.remove(&ticker);
            let Some(slot) = self.by_ticker.remove(&ticker) else { continue };
            if let Some(held) = self.slots.get_mut(slot) {
                *held = None;
                self.free.push(slot);
            }
        }
    }
}

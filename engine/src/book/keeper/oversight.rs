//! What demand, truth and readiness ask of the keeper.

use std::sync::atomic::Ordering::Relaxed;

use super::{At, Book, Keeper, KeeperOutput};
use crate::book::Trust;
use crate::domain::{Generation, Monotonic, Received, Ticker};

impl Keeper {
    /// Keeps the market's book again, from its next snapshot on.
    pub fn follow(&mut self, ticker: &Ticker) {
        self.dropped.remove(ticker);
    }

    /// Forgets a book nobody follows any more. Whoever still reads it is told that it is stale, and why.
    pub fn drop_book(&mut self, ticker: &Ticker, reason: &str, at: Received, out: &mut KeeperOutput) {
        self.distrust(ticker, Trust::Stale, reason, at, out);
        self.books.remove(ticker);
        self.dropped.insert(ticker.clone());
        self.counters.books.store(self.books.len() as u64, Relaxed);
    }

    /// Makes a live book suspect in this very step and asks for a snapshot, because `reason`.
    pub fn suspect_book(&mut self, ticker: &Ticker, reason: &str, at: Received, out: &mut KeeperOutput) {
        let live = self.books.get(ticker).filter(|book| book.trust() == Trust::Live);
        if let Some(sid) = live.and_then(Book::home) {
            self.distrust(ticker, Trust::Suspect, reason, at, out);
            self.ask(vec![ticker.clone()], At { sid, seq: None, received: at }, out);
        }
    }

    /// Returns the number of the present connection.
    pub const fn generation(&self) -> Generation {
        self.generation
    }

    /// Returns the book's trust, `None` when no snapshot of it ever came.
    pub fn trust(&self, ticker: &Ticker) -> Option<Trust> {
        self.books.get(ticker).filter(|book| book.is_known()).map(Book::trust)
    }

    /// Returns when the last frame touched a live book, `None` when there is no live book.
    pub fn live_since_frame(&self, ticker: &Ticker) -> Option<Monotonic> {
        self.books.get(ticker).filter(|book| book.trust() == Trust::Live).map(Book::touched)
    }

    /// Returns at most `count` live books in the order of their tickers: those after `after`, then from the first one on.
    pub fn next_live(&self, after: Option<&Ticker>, count: usize) -> Vec<Ticker> {
        let live = self.books.iter().filter(|(_, book)| book.trust() == Trust::Live);
        let mut live: Vec<&Ticker> = live.map(|(ticker, _)| ticker).collect();
        live.sort_unstable();
        let from = live.partition_point(|ticker| after.is_some_and(|after| *ticker <= after));
        live.rotate_left(from);
        live.into_iter().take(count).cloned().collect()
    }
}

//! What demand, truth and readiness ask of the keeper.

use std::sync::atomic::Ordering::Relaxed;

use super::strand::{At, Strand};
use super::{Keeper, KeeperOutput};
use crate::book::Trust;
use crate::book::one::Book;
use crate::domain::{Generation, Monotonic, Received, Ticker};

impl Keeper {
    /// Keeps the market's book again, from its next snapshot on.
    pub fn follow(&mut self, ticker: &Ticker) {
        for strand in &mut self.strands {
            strand.dropped.remove(ticker);
        }
    }

    /// Forgets a book nobody follows any more. Whoever still reads it is told that it is stale, and why.
    pub fn drop_book(&mut self, ticker: &Ticker, reason: &str, at: Received, out: &mut KeeperOutput) {
        self.act(0, out, |strands, out| {
            strands.iter_mut().for_each(|strand| strand.drop_book(ticker, reason, at, out));
        });
        if let Some(merge) = &mut self.merge {
            merge.forget(ticker);
        }
    }

    /// Makes a live book suspect in this very step, on every strand, and asks for snapshots, because `reason`.
    pub fn suspect_book(&mut self, ticker: &Ticker, reason: &str, at: Received, out: &mut KeeperOutput) {
        self.act(0, out, |strands, out| {
            strands.iter_mut().for_each(|strand| strand.suspect_book(ticker, reason, at, out));
        });
    }

    /// Returns the number of the connection since which something was told all the time.
    pub fn generation(&self) -> Generation {
        match &self.merge {
            Some(merge) => merge.unbroken(),
            None => self.strands.first().map_or(Generation::default(), |strand| strand.generation),
        }
    }

    /// Returns the number of each strand's present connection.
    pub fn generations(&self) -> Vec<Generation> {
        self.strands.iter().map(|strand| strand.generation).collect()
    }

    /// Returns the book's trust, `None` when no snapshot of it ever came.
    pub fn trust(&self, ticker: &Ticker) -> Option<Trust> {
        match &self.merge {
            Some(merge) => merge.trust(ticker),
            None => self.strands.first()?.known(ticker).map(Book::trust),
        }
    }

    /// Returns when the last frame touched a live book, `None` when there is no live book.
    pub fn live_since_frame(&self, ticker: &Ticker) -> Option<Monotonic> {
        let books = self.strands.iter().filter_map(|strand| strand.books.get(ticker));
        books.filter(|book| book.trust() == Trust::Live).map(Book::touched).max()
    }

    /// Returns at most `count` live books in the order of their tickers: those after `after`, then from the first one on.
    pub fn next_live(&self, after: Option<&Ticker>, count: usize) -> Vec<Ticker> {
        let mut live: Vec<&Ticker> = self.strands.iter().flat_map(Strand::live).collect();
        live.sort_unstable();
        live.dedup();
        let from = live.partition_point(|ticker| after.is_some_and(|after| *ticker <= after));
        live.rotate_left(from);
        live.into_iter().take(count).cloned().collect()
    }
}

impl Strand {
    fn drop_book(&mut self, ticker: &Ticker, reason: &str, at: Received, out: &mut KeeperOutput) {
        self.distrust(ticker, Trust::Stale, reason, at, out);
        self.books.remove(ticker);
        self.dropped.insert(ticker.clone());
        self.gauges.books.store(self.books.len() as u64, Relaxed);
    }

    pub(super) fn suspect_book(
        &mut self,
        ticker: &Ticker,
        reason: &str,
        at: Received,
        out: &mut KeeperOutput,
    ) {
        let live = self.books.get(ticker).filter(|book| book.trust() == Trust::Live);
        if let Some(sid) = live.and_then(Book::home) {
            self.distrust(ticker, Trust::Suspect, reason, at, out);
            self.ask(vec![ticker.clone()], At { sid, seq: None, received: at }, out);
        }
    }

    fn live(&self) -> impl Iterator<Item = &Ticker> {
        self.books.iter().filter(|(_, book)| book.trust() == Trust::Live).map(|(ticker, _)| ticker)
    }
}

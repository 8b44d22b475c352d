//! Keeps every book from the feed's items, and says in the same step when a book can no longer be trusted.
//!
//! Books come on one strand of connections, or on two side by side that are merged. Never here: sockets, clocks, JSON. Work per
//! frame does not grow with the number of books, except where all of them lose their trust.

mod merge;
mod oversight;
mod strand;
mod trust;

use std::sync::Arc;

use super::counters::BookCounters;
use super::trades::{TradeFact, TradeGap, Trades};
use super::view::{BookView, Watermark};
use crate::domain::{Generation, Monotonic, Received, SubscriptionId, Ticker, VenueTime};
use crate::stream::Announcement;
use crate::venue::{FeedItem, MarketFrame, TradesReport, TradesScope};
use merge::Merge;
use strand::Strand;

/// Books of one subscription that need a snapshot from the venue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resync {
    pub generation: Generation,
    pub sid: SubscriptionId,
    pub tickers: Vec<Ticker>,
}

/// A subscription that snapshots cannot heal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Renewal {
    pub generation: Generation,
    pub sid: SubscriptionId,
    pub reason: String,
}

/// Where the keeper puts what follows from an item.
#[derive(Debug, Default)]
pub struct KeeperOutput {
    pub announcements: Vec<Announcement>,
    pub resyncs: Vec<Resync>,
    /// Connections that must be made anew, because of this.
    pub reconnects: Vec<(Generation, String)>,
    pub renewals: Vec<Renewal>,
    /// Public trades to read back.
    pub backfills: Vec<TradesScope>,
    /// What the tape must remember of missing trades.
    pub gaps: Vec<TradeGap>,
    /// What strands said of trades; empty whenever the keeper returns.
    trade_facts: Vec<TradeFact>,
}

/// All books of the account.
#[derive(Debug)]
pub struct Keeper {
    strands: Vec<Strand>,
    /// What is served of two strands; one alone is served as it is.
    merge: Option<Merge>,
    /// What the strands announce, before it is merged. Empty between calls, kept for its room.
    told: Vec<Announcement>,
    trades: Trades,
    /// Books there were at the last sweep.
    books_before: usize,
}

impl Default for Keeper {
    fn default() -> Keeper {
        Keeper::new(Arc::default(), None)
    }
}

impl Keeper {
    /// Makes the keeper of one connection at a time. `trades_missing_since` tells how far the tape of an earlier process reaches,
    /// if there is one.
    pub fn new(counters: Arc<BookCounters>, trades_missing_since: Option<VenueTime>) -> Keeper {
        let strand = Strand::new(0, Arc::clone(&counters), Arc::clone(&counters));
        Keeper {
            strands: vec![strand],
            merge: None,
            told: Vec::new(),
            trades: Trades::new(1, counters, trades_missing_since),
            books_before: 0,
        }
    }

    /// Makes the keeper of two strands of connections that tell the same; [`Generation::strand`] says whose an item is.
    pub fn of_two(counters: Arc<BookCounters>, trades_missing_since: Option<VenueTime>) -> Keeper {
        // How many books there are is not for one of them to show.
        let strand = |index| Strand::new(index, Arc::clone(&counters), Arc::default());
        Keeper {
            strands: vec![strand(0), strand(1)],
            merge: Some(Merge::new(Arc::clone(&counters))),
            told: Vec::new(),
            trades: Trades::new(2, counters, trades_missing_since),
            books_before: 0,
        }
    }

    /// Applies one item of the feed.
    pub fn apply(&mut self, item: FeedItem, out: &mut KeeperOutput) {
        let by = item.generation().strand(self.strands.len());
        let regridded = self.merge.as_ref().and_then(|_| regridded(&item));
        self.act(by, out, |strands, out| {
            if let Some((ticker, at)) = &regridded {
                // The others will hear of it as well, and the old grid must not go on until then.
                let reason = "the market's price grid changed";
                let others = strands.iter_mut().enumerate().filter(|(index, _)| *index != by);
                others.for_each(|(_, strand)| strand.suspect_book(ticker, reason, *at, out));
            }
            if let Some(strand) = strands.get_mut(by) {
                strand.apply(item, out);
            }
        });
    }

    /// Believes nothing from before `at` any more: every book is stale in this step, what is still to come of the present
    /// connections is ignored, and new ones are asked for until they come.
    pub fn distrust_all(&mut self, reason: &str, at: Received, out: &mut KeeperOutput) {
        self.act(0, out, |strands, out| {
            strands.iter_mut().for_each(|strand| strand.distrust_all(reason, at, out));
        });
    }

    /// Asks again for snapshots that did not come. Call about once a second.
    pub fn sweep(&mut self, now: Monotonic, out: &mut KeeperOutput) {
        self.strands.iter_mut().for_each(|strand| strand.sweep(now, out));
        if let Some(merge) = &mut self.merge {
            merge.sweep(now, &self.strands, out);
        }
        let books = self.books();
        let is_settled = std::mem::replace(&mut self.books_before, books) == books;
        let (strands, trades) = (&self.strands, &mut self.trades);
        out.backfills.extend(trades.sweep(now, is_settled, || tickers(strands)));
    }

    /// Takes the trades that were read back, or why there are none.
    pub fn read_back(&mut self, report: Result<TradesReport, String>, at: Received, out: &mut KeeperOutput) {
        let (told, narrowed) = self.trades.read_back(report, at);
        out.announcements.extend(told);
        out.gaps.extend(narrowed);
    }

    /// Returns the book as readers see it, best levels first; `None` when no snapshot of it ever came.
    pub fn view(&self, ticker: &Ticker, now: Monotonic) -> Option<BookView> {
        match &self.merge {
            Some(merge) => merge.view(ticker, now),
            None => self.strands.first()?.view(ticker, now),
        }
    }

    /// Returns how far a book has come; the clock in it is the same on every connection.
    pub fn watermark(&self, ticker: &Ticker) -> Option<Watermark> {
        match &self.merge {
            Some(merge) => merge.watermark(ticker),
            None => self.strands.first()?.books.get(ticker).map(super::one::Book::watermark),
        }
    }

    /// Lets the strands act, and tells what of it is to be told. `by` is the strand that has something new.
    fn act(&mut self, by: usize, out: &mut KeeperOutput, act: impl FnOnce(&mut [Strand], &mut KeeperOutput)) {
        match &mut self.merge {
            None => act(&mut self.strands, out),
            Some(merge) => {
                std::mem::swap(&mut self.told, &mut out.announcements);
                act(&mut self.strands, out);
                std::mem::swap(&mut self.told, &mut out.announcements);
                for announcement in self.told.drain(..) {
                    merge.take(by, announcement, &self.strands, out);
                }
            }
        }
        for fact in out.trade_facts.drain(..) {
            let (told, gap) = self.trades.take(fact);
            out.announcements.extend(told);
            out.gaps.extend(gap);
        }
    }

    fn books(&self) -> usize {
        self.strands.iter().map(|strand| strand.books.len()).max().unwrap_or(0)
    }
}

/// Returns every market that a strand has a book of.
fn tickers(strands: &[Strand]) -> Vec<Ticker> {
    let mut tickers: Vec<Ticker> = strands.iter().flat_map(|strand| strand.books.keys()).cloned().collect();
    if strands.len() > 1 {
        tickers.sort_unstable();
        tickers.dedup();
    }
    tickers
}

/// Returns the market whose price grid changes with the item.
fn regridded(item: &FeedItem) -> Option<(Ticker, Received)> {
    match item {
        FeedItem::Frame { frame: MarketFrame::Lifecycle(event), received, .. } if event.changes_grid() => {
            Some((event.ticker.clone(), *received))
        }
        FeedItem::Frame { .. } | FeedItem::State { .. } | FeedItem::Subscribed { .. } => None,
    }
}

#[cfg(test)]
mod tests;

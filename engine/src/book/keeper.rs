//! Keeps every book from the feed's items, and says in the same step when a book can no longer be trusted.
//!
//! Never here: sockets, clocks, JSON. A frame of a retired connection is never applied. Work per frame does not grow with
//! the number of books, except where all of them lose their trust.

mod oversight;
mod trust;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use foldhash::fast::FixedState;

use super::counters::BookCounters;
use super::one::{Book, Change, Changed, Contradiction, Holes, Replaced, Snapshot};
use super::sequence::{Sequence, Verdict};
use super::trades::{TradeGap, Trades};
use super::view::{BookView, Trust, Watermark};
use crate::domain::{Generation, Monotonic, Received, SubscriptionId, Ticker, VenueTime};
use crate::stream::{Announcement, HealthView};
use crate::venue::{Channel, FeedItem, FeedState, LifecycleEvent, MarketFrame, TradesReport, TradesScope};

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

#[derive(Debug, Default)]
struct Subscription {
    sequence: Sequence,
    holes: Holes,
    channel: Option<Channel>,
    /// Its numbers mean nothing any more, so nothing on it is placed.
    is_broken: bool,
    /// Why it must be made anew, and when that was last said.
    renewing: Option<(String, Monotonic)>,
}

/// All books of the account's one market-data connection.
#[derive(Debug, Default)]
pub struct Keeper {
    generation: Generation,
    /// Nothing from before then is believed, and why: the connection must be made anew.
    distrusted: Option<(Monotonic, String)>,
    subscriptions: HashMap<SubscriptionId, Subscription, FixedState>,
    /// The subscription that carries the books, once the venue has acknowledged it.
    books_sid: Option<SubscriptionId>,
    books: HashMap<Ticker, Book, FixedState>,
    /// How many of them are live, and how many suspect.
    live: u64,
    suspect: u64,
    /// When the last item came.
    latest: Received,
    trades: Trades,
    /// Books there were at the last sweep.
    books_before: usize,
    /// Markets nobody follows any more; what still comes of them on this connection is not applied.
    dropped: HashSet<Ticker>,
    counters: Arc<BookCounters>,
}

/// Where the keeper puts what follows from an item.
#[derive(Debug, Default)]
pub struct KeeperOutput {
    pub announcements: Vec<Announcement>,
    pub resyncs: Vec<Resync>,
    /// The connection must be made anew, because of this.
    pub reconnect: Option<(Generation, String)>,
    pub renewals: Vec<Renewal>,
    /// Public trades to read back.
    pub backfills: Vec<TradesScope>,
    /// What the tape must remember of missing trades.
    pub gaps: Vec<TradeGap>,
}

/// Where a frame stands.
#[derive(Debug, Clone, Copy)]
struct At {
    sid: SubscriptionId,
    seq: Option<u64>,
    received: Received,
}

impl Keeper {
    /// `trades_missing_since` tells how far the tape of an earlier process reaches, if there is one.
    pub fn new(counters: Arc<BookCounters>, trades_missing_since: Option<VenueTime>) -> Keeper {
        let trades = Trades::new(Arc::clone(&counters), trades_missing_since);
        Keeper { counters, trades, ..Keeper::default() }
    }

    /// Applies one item of the feed.
    pub fn apply(&mut self, item: FeedItem, out: &mut KeeperOutput) {
        match item {
            FeedItem::State { generation, state, reason, at } => {
                self.state(generation, state, &reason, at, out)
            }
            FeedItem::Subscribed { generation, sid, channel } if self.believes(generation) => {
                self.subscribed(sid, channel, out);
            }
            FeedItem::Frame { generation, sid, seq, received, frame } if self.believes(generation) => {
                self.frame(At { sid, seq, received }, frame, out);
            }
            FeedItem::Subscribed { .. } | FeedItem::Frame { .. } => {
                BookCounters::bump(&self.counters.retired_items);
            }
        }
    }

    /// Believes nothing from before `at` any more: every book is stale in this step, what is still to come of the present
    /// connection is ignored, and a new one is asked for until it comes.
    pub fn distrust_all(&mut self, reason: &str, at: Received, out: &mut KeeperOutput) {
        self.distrusted = Some((at.monotonic, reason.to_owned()));
        self.stale_all(reason, at, out);
        out.reconnect = Some((self.generation, reason.to_owned()));
    }

    fn believes(&self, generation: Generation) -> bool {
        generation == self.generation && self.distrusted.is_none()
    }

    /// Asks again for snapshots that did not come. Call about once a second.
    pub fn sweep(&mut self, now: Monotonic, out: &mut KeeperOutput) {
        let mut due: BTreeMap<SubscriptionId, Vec<Ticker>> = BTreeMap::new();
        for (ticker, book) in self.books.iter_mut().filter(|(_, book)| book.is_due(now)) {
            if let Some(sid) = self.books_sid.or(book.home()) {
                book.ask(now);
                due.entry(sid).or_default().push(ticker.clone());
            }
        }
        for (sid, mut tickers) in due {
            tickers.sort_unstable();
            self.resync(sid, tickers, out);
        }
        if let Some((_, reason)) = &self.distrusted {
            out.reconnect = Some((self.generation, reason.clone()));
        }
        self.renew_again(now, out);
        let is_settled = std::mem::replace(&mut self.books_before, self.books.len()) == self.books.len();
        let books = &self.books;
        out.backfills.extend(self.trades.sweep(now, is_settled, || books.keys().cloned().collect()));
    }

    /// Takes the trades that were read back, or why there are none.
    pub fn read_back(&mut self, report: Result<TradesReport, String>, at: Received, out: &mut KeeperOutput) {
        let (told, narrowed) = self.trades.read_back(report, at);
        out.announcements.extend(told);
        out.gaps.extend(narrowed);
    }

    /// Returns the book as readers see it, best levels first; `None` when no snapshot of it ever came.
    pub fn view(&self, ticker: &Ticker, now: Monotonic) -> Option<BookView> {
        self.books.get(ticker).filter(|book| book.is_known()).map(|book| book.view(ticker, now))
    }

    /// Returns how far a book has come; the clock in it is the same on every connection.
    pub fn watermark(&self, ticker: &Ticker) -> Option<Watermark> {
        self.books.get(ticker).map(Book::watermark)
    }

    fn state(
        &mut self,
        generation: Generation,
        state: FeedState,
        reason: &str,
        at: Received,
        out: &mut KeeperOutput,
    ) {
        if generation < self.generation {
            BookCounters::bump(&self.counters.retired_items);
            return;
        }
        self.latest = at;
        let (component, told) = ("stream".to_owned(), reason.to_owned());
        let health = HealthView { component, state, reason: told, generation: generation.0 };
        out.announcements.push(Announcement::Health(health));
        let begins = generation > self.generation || state == FeedState::Subscribing;
        if begins && self.distrusted.as_ref().is_some_and(|(since, _)| at.monotonic > *since) {
            self.distrusted = None;
        }
        if generation > self.generation || !state.is_admitted() {
            self.generation = generation;
            self.stale_all(reason, at, out);
        }
    }

    fn stale_all(&mut self, reason: &str, at: Received, out: &mut KeeperOutput) {
        self.subscriptions.clear();
        self.books_sid = None;
        out.gaps.extend(self.trades.broke(at));
        self.trades.disconnected();
        self.dropped.clear();
        self.distrust_where(|_| true, Trust::Stale, reason, at, out);
    }

    /// A new subscription counts from its first frame, and retires the one of its channel before it.
    fn subscribed(&mut self, sid: SubscriptionId, channel: Channel, out: &mut KeeperOutput) {
        self.subscriptions.retain(|_, old| old.channel != Some(channel));
        let channel_of_sid = Subscription { channel: Some(channel), ..Subscription::default() };
        self.subscriptions.insert(sid, channel_of_sid);
        if channel == Channel::Trade {
            self.trades.subscribed();
        }
        if channel == Channel::OrderbookDelta {
            self.books_sid = Some(sid);
            let is_live = |book: &Book| book.trust() == Trust::Live;
            self.distrust_where(is_live, Trust::Suspect, "subscribed anew", self.latest, out);
            // Snapshots of all come by themselves; the sweep asks for those that do not.
            self.books.values_mut().for_each(Book::leave);
        }
    }

    fn frame(&mut self, at: At, frame: MarketFrame, out: &mut KeeperOutput) {
        self.latest = at.received;
        let subscription = self.subscriptions.entry(at.sid).or_default();
        if subscription.is_broken {
            BookCounters::bump(&self.counters.retired_items);
            return;
        }
        match at.seq.map(|seq| (seq, subscription.sequence.advance(seq))) {
            None | Some((_, Verdict::Next)) => {}
            Some((_, Verdict::Duplicate)) => {
                BookCounters::bump(&self.counters.duplicates);
                return;
            }
            Some((seq, Verdict::Gap { expected })) => {
                BookCounters::bump(&self.counters.gaps);
                let reason = format!("gap on subscription {}: expected {expected}, got {seq}", at.sid.0);
                self.lose(at, &reason, out);
            }
            Some((_, Verdict::Reset)) => {
                subscription.is_broken = true;
                BookCounters::bump(&self.counters.resets);
                let reason = format!("the numbering of subscription {} began anew", at.sid.0);
                self.lose(at, &reason, out);
                self.renew(at.sid, reason, at.received.monotonic, out);
                return;
            }
        }
        self.content(at, frame, out);
    }

    fn content(&mut self, at: At, frame: MarketFrame, out: &mut KeeperOutput) {
        let received = at.received;
        match frame {
            MarketFrame::Snapshot { ticker, yes, no, clock, asked } => {
                self.snapshot(at, &ticker, &Snapshot { yes: &yes, no: &no, clock, asked }, out)
            }
            MarketFrame::Delta { ticker, leg, price, change, clock, venue_time } => {
                if let Some(at) = venue_time {
                    self.trades.heard(at);
                }
                let seq = at.seq.unwrap_or(0);
                let change = Change { leg, price, by: change, clock, seq, venue_time, received };
                self.delta(at, ticker, &change, out);
            }
            MarketFrame::Trade(trade) => {
                BookCounters::bump(&self.counters.trades);
                out.announcements.extend(self.trades.streamed(trade, received));
            }
            MarketFrame::Ticker(quote) => out.announcements.push(Announcement::Quote { quote, received }),
            MarketFrame::Lifecycle(event) => {
                self.lifecycle(&event, received, out);
                out.announcements.push(Announcement::Lifecycle { event: *event, received })
            }
            MarketFrame::Event(notice) => out.announcements.push(Announcement::Event { notice, received }),
            MarketFrame::OrderGroup(notice) => {
                out.announcements.push(Announcement::OrderGroup { notice, received })
            }
            MarketFrame::Communication(message) => {
                out.announcements.push(Announcement::Communication { message, received })
            }
            MarketFrame::Ack => {}
            MarketFrame::Unreadable { reason } => {
                BookCounters::bump(&self.counters.unreadable);
                self.lose(at, &reason, out);
            }
        }
    }

    fn snapshot(&mut self, at: At, ticker: &Ticker, snapshot: &Snapshot<'_>, out: &mut KeeperOutput) {
        let Some(holes) = self.holes_of_books(at.sid) else { return };
        BookCounters::bump(&self.counters.snapshots);
        let now = at.received.monotonic;
        let Some(book) = self.book(ticker, at, holes) else { return };
        let was = book.trust();
        match book.replace(snapshot, at.seq, now) {
            Ok(Replaced::With { spliced }) => {
                let view = book.view(ticker, now);
                BookCounters::add(&self.counters.deltas_spliced, spliced);
                self.trust_moved(was, Trust::Live);
                let received = at.received;
                out.announcements.push(Announcement::BookSnapshot { view, received, requested: false });
            }
            Ok(Replaced::Known) => BookCounters::bump(&self.counters.snapshots_old),
            Ok(Replaced::TooOld) => {
                BookCounters::bump(&self.counters.snapshots_old);
                self.refuse(ticker, "the snapshot is older than what it should replace", at, out);
            }
            Err(contradiction) => {
                BookCounters::bump(&self.counters.contradictions);
                self.refuse(ticker, &format!("impossible snapshot: {contradiction}"), at, out);
            }
        }
    }

    fn delta(&mut self, at: At, ticker: Ticker, change: &Change, out: &mut KeeperOutput) {
        let Some(holes) = self.holes_of_books(at.sid) else { return };
        // Looked up once where the book is there, which is nearly always; a dropped book is not there.
        let known = self.books.get_mut(&ticker).map(|book| {
            book.enter(at.sid, holes);
            book.change(change)
        });
        let changed = known.or_else(|| self.book(&ticker, at, holes).map(|book| book.change(change)));
        let Some(changed) = changed else { return };
        let counters = &self.counters;
        match changed {
            Ok(Changed::To(count)) => {
                BookCounters::bump(&counters.deltas);
                let Change { leg, price, seq, venue_time, received, .. } = *change;
                out.announcements.push(Announcement::BookDelta {
                    ticker,
                    leg,
                    price,
                    count,
                    seq,
                    venue_time,
                    received,
                });
            }
            Ok(Changed::Contained) => BookCounters::bump(&counters.deltas_contained),
            Ok(Changed::Kept) => {}
            Ok(Changed::Ignored) => BookCounters::bump(&counters.deltas_ignored),
            Err(contradiction) => {
                BookCounters::bump(&counters.contradictions);
                self.contradicted(&ticker, &contradiction, change, at, out);
            }
        }
    }

    /// Returns the book, made where there is none: changes may come before the first snapshot. `None` if nobody follows it.
    fn book(&mut self, ticker: &Ticker, at: At, holes: Holes) -> Option<&mut Book> {
        if self.dropped.contains(ticker) {
            return None;
        }
        if !self.books.contains_key(ticker) {
            self.books.insert(ticker.clone(), Book::new(at.received.monotonic));
            self.counters.books.store(self.books.len() as u64, Relaxed);
        }
        let book = self.books.get_mut(ticker)?;
        book.enter(at.sid, holes);
        Some(book)
    }

    /// A change that cannot be true shows that something before it was lost: the snapshot must contain it.
    fn contradicted(
        &mut self,
        ticker: &Ticker,
        contradiction: &Contradiction,
        change: &Change,
        at: At,
        out: &mut KeeperOutput,
    ) {
        self.distrust(ticker, Trust::Suspect, &contradiction.to_string(), at.received, out);
        if let Some(book) = self.books.get_mut(ticker) {
            book.keep(change);
        }
        self.ask(vec![ticker.clone()], at, out);
    }

    /// A new price grid begins a new life of the book: nothing of the old one may go on as if it were the same.
    fn lifecycle(&mut self, event: &LifecycleEvent, received: Received, out: &mut KeeperOutput) {
        let home = self.books.get(&event.ticker).and_then(Book::home);
        if let Some(sid) = home.filter(|_| event.changes_grid()) {
            BookCounters::bump(&self.counters.grid_changes);
            self.distrust(&event.ticker, Trust::Suspect, "the market's price grid changed", received, out);
            self.ask(vec![event.ticker.clone()], At { sid, seq: None, received }, out);
        }
    }
}

#[cfg(test)]
mod tests;

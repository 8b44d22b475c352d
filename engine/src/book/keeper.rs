//! Keeps every book from the feed's items, and says in the same step when a book can no longer be trusted.
//!
//! Never here: sockets, clocks, JSON. A frame of a retired connection is never applied.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use super::counters::BookCounters;
use super::ladder::{Ladder, LevelError};
use super::sequence::{Sequence, Verdict};
use super::view::{BookView, Trust};
use crate::domain::{
    Generation, Leg, Monotonic, Price, Received, SignedCount, SubscriptionId, Ticker, VenueTime,
};
use crate::stream::{Announcement, HealthView};
use crate::venue::{BookLevels, Channel, FeedItem, FeedState, MarketFrame};

/// How long a suspect book waits for the snapshot it asked for before it is asked for again.
const RESYNC_RETRY_MS: u64 = 5_000;

/// Books of one subscription that need a snapshot from the venue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resync {
    pub generation: Generation,
    pub sid: SubscriptionId,
    pub tickers: Vec<Ticker>,
}

#[derive(Debug)]
struct Book {
    sid: SubscriptionId,
    yes: Ladder,
    no: Ladder,
    seq: u64,
    trust: Trust,
    touched: Monotonic,
    resync_asked: Option<Monotonic>,
}

#[derive(Debug, Default)]
struct Subscription {
    channel: Option<Channel>,
    sequence: Sequence,
}

/// All books of the account's one market-data connection.
#[derive(Debug, Default)]
pub struct Keeper {
    generation: Generation,
    /// Nothing from before then is believed, and why: the connection must be made anew.
    distrusted: Option<(Monotonic, String)>,
    subscriptions: BTreeMap<SubscriptionId, Subscription>,
    books: BTreeMap<Ticker, Book>,
    counters: Arc<BookCounters>,
}

/// Where the keeper puts what follows from an item.
#[derive(Debug, Default)]
pub struct KeeperOutput {
    pub announcements: Vec<Announcement>,
    pub resyncs: Vec<Resync>,
    /// The connection must be made anew, because of this.
    pub reconnect: Option<(Generation, String)>,
}

impl Keeper {
    pub fn new(counters: Arc<BookCounters>) -> Keeper {
        Keeper { counters, ..Keeper::default() }
    }

    /// Applies one item of the feed.
    pub fn apply(&mut self, item: FeedItem, out: &mut KeeperOutput) {
        match item {
            FeedItem::State { generation, state, reason, at } => {
                self.state(generation, state, &reason, at, out)
            }
            FeedItem::Subscribed { generation, sid, channel } if self.believes(generation) => {
                self.subscriptions.entry(sid).or_default().channel = Some(channel);
            }
            FeedItem::Frame { generation, sid, seq, received, frame } if self.believes(generation) => {
                self.frame(sid, seq, received, frame, out);
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
        for (ticker, book) in &mut self.books {
            let waited = book.resync_asked.is_some_and(|asked| now.millis_since(asked) >= RESYNC_RETRY_MS);
            if book.trust == Trust::Suspect && waited {
                book.resync_asked = Some(now);
                due.entry(book.sid).or_default().push(ticker.clone());
            }
        }
        for (sid, tickers) in due {
            self.resync(sid, tickers, out);
        }
        if let Some((_, reason)) = &self.distrusted {
            out.reconnect = Some((self.generation, reason.clone()));
        }
        self.gauges();
    }

    /// Returns the book as readers see it, best levels first; `None` when no snapshot of it ever came.
    pub fn view(&self, ticker: &Ticker, now: Monotonic) -> Option<BookView> {
        self.books.get(ticker).map(|book| book.view(ticker, now))
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
        self.gauges();
    }

    fn stale_all(&mut self, reason: &str, at: Received, out: &mut KeeperOutput) {
        self.subscriptions.clear();
        let all = self.books.keys().cloned().collect::<Vec<_>>();
        for ticker in all {
            self.distrust(&ticker, Trust::Stale, reason, at, out);
        }
        self.gauges();
    }

    fn frame(
        &mut self,
        sid: SubscriptionId,
        seq: Option<u64>,
        received: Received,
        frame: MarketFrame,
        out: &mut KeeperOutput,
    ) {
        let starts_anew = matches!(frame, MarketFrame::Snapshot { .. });
        let subscription = self.subscriptions.entry(sid).or_default();
        match seq.map(|seq| subscription.sequence.advance(seq, starts_anew)) {
            None | Some(Verdict::Next) => {}
            Some(Verdict::Duplicate) => {
                BookCounters::bump(&self.counters.duplicates);
                return;
            }
            Some(Verdict::Gap { expected }) => {
                BookCounters::bump(&self.counters.gaps);
                let reason =
                    format!("gap on subscription {}: expected {expected}, got {}", sid.0, seq.unwrap_or(0));
                self.suspect_all(sid, &reason, received, out);
            }
            Some(Verdict::Reset) => {
                BookCounters::bump(&self.counters.gaps);
                self.suspect_all(sid, "the subscription's numbering began anew", received, out);
            }
        }
        match frame {
            MarketFrame::Snapshot { ticker, yes, no, .. } => {
                self.snapshot(sid, seq, received, ticker, &yes, &no, out)
            }
            MarketFrame::Delta { ticker, leg, price, change, venue_time, .. } => {
                let at = DeltaAt { seq: seq.unwrap_or(0), venue_time, received };
                self.delta(ticker, leg, price, change, at, out);
            }
            MarketFrame::Trade(trade) => {
                BookCounters::bump(&self.counters.trades);
                out.announcements.push(Announcement::Trade { trade, received });
            }
            MarketFrame::Ticker(quote) => out.announcements.push(Announcement::Quote { quote, received }),
            MarketFrame::Lifecycle(event) => {
                out.announcements.push(Announcement::Lifecycle { event, received })
            }
            MarketFrame::Ack => {}
            MarketFrame::Unreadable { reason } => {
                BookCounters::bump(&self.counters.unreadable);
                self.suspect_all(sid, &reason, received, out);
            }
        }
    }

    fn snapshot(
        &mut self,
        sid: SubscriptionId,
        seq: Option<u64>,
        received: Received,
        ticker: Ticker,
        yes: &BookLevels,
        no: &BookLevels,
        out: &mut KeeperOutput,
    ) {
        BookCounters::bump(&self.counters.snapshots);
        let book = self.books.entry(ticker.clone()).or_insert_with(|| Book::empty(sid, received.monotonic));
        book.sid = sid;
        book.seq = seq.unwrap_or(book.seq);
        book.touched = received.monotonic;
        if let Err(error) = book.yes.replace(yes).and_then(|()| book.no.replace(no)) {
            BookCounters::bump(&self.counters.contradictions);
            let reason = format!("snapshot of {ticker} repeats a price: {error}");
            self.suspect(&ticker, &reason, received, out);
            return;
        }
        book.trust = Trust::Live;
        book.resync_asked = None;
        let view = book.view(&ticker, received.monotonic);
        out.announcements.push(Announcement::BookSnapshot { view, received, requested: false });
        self.gauges();
    }

    fn delta(
        &mut self,
        ticker: Ticker,
        leg: Leg,
        price: Price,
        change: SignedCount,
        at: DeltaAt,
        out: &mut KeeperOutput,
    ) {
        let Some(book) = self.books.get_mut(&ticker).filter(|book| book.trust == Trust::Live) else {
            BookCounters::bump(&self.counters.deltas_ignored);
            return;
        };
        match book.change(leg, price, change) {
            Ok(count) => {
                BookCounters::bump(&self.counters.deltas);
                book.seq = at.seq;
                book.touched = at.received.monotonic;
                let DeltaAt { seq, venue_time, received } = at;
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
            Err(error) => {
                BookCounters::bump(&self.counters.contradictions);
                let reason = format!("{} {error}", leg.as_str());
                self.suspect(&ticker, &reason, at.received, out);
            }
        }
    }

    /// A frame of the subscription is missing, and nothing says whose: every book on it becomes suspect.
    fn suspect_all(&mut self, sid: SubscriptionId, reason: &str, received: Received, out: &mut KeeperOutput) {
        let of_sid = self.books.iter().filter(|(_, book)| book.sid == sid && book.trust == Trust::Live);
        let tickers: Vec<Ticker> = of_sid.map(|(ticker, _)| ticker.clone()).collect();
        for ticker in &tickers {
            self.distrust(ticker, Trust::Suspect, reason, received, out);
        }
        self.resync(sid, tickers, out);
    }

    fn suspect(&mut self, ticker: &Ticker, reason: &str, received: Received, out: &mut KeeperOutput) {
        self.distrust(ticker, Trust::Suspect, reason, received, out);
        if let Some(sid) = self.books.get(ticker).map(|book| book.sid) {
            self.resync(sid, vec![ticker.clone()], out);
        }
    }

    fn distrust(
        &mut self,
        ticker: &Ticker,
        trust: Trust,
        reason: &str,
        at: Received,
        out: &mut KeeperOutput,
    ) {
        if let Some(book) = self.books.get_mut(ticker).filter(|book| book.trust != trust) {
            book.trust = trust;
            book.resync_asked = (trust == Trust::Suspect).then_some(at.monotonic);
            let reason = reason.to_owned();
            out.announcements.push(Announcement::BookTrust {
                ticker: ticker.clone(),
                trust,
                reason,
                received: at,
            });
        }
    }

    fn resync(&self, sid: SubscriptionId, tickers: Vec<Ticker>, out: &mut KeeperOutput) {
        if !tickers.is_empty() {
            BookCounters::bump(&self.counters.resyncs);
            out.resyncs.push(Resync { generation: self.generation, sid, tickers });
        }
    }

    fn gauges(&self) {
        let live = self.books.values().filter(|book| book.trust == Trust::Live).count();
        self.counters.books.store(self.books.len() as u64, Relaxed);
        self.counters.books_live.store(live as u64, Relaxed);
    }

    /// Tells whether any order-book subscription was acknowledged on the present connection.
    pub fn is_subscribed(&self) -> bool {
        self.subscriptions.values().any(|s| s.channel == Some(Channel::OrderbookDelta))
    }
}

#[derive(Debug, Clone, Copy)]
struct DeltaAt {
    seq: u64,
    venue_time: Option<VenueTime>,
    received: Received,
}

impl Book {
    fn empty(sid: SubscriptionId, touched: Monotonic) -> Book {
        let (yes, no) = Default::default();
        Book { sid, yes, no, seq: 0, trust: Trust::Stale, touched, resync_asked: None }
    }

    fn change(
        &mut self,
        leg: Leg,
        price: Price,
        change: SignedCount,
    ) -> Result<crate::domain::Count, LevelError> {
        match leg {
            Leg::Yes => self.yes.change(price, change),
            Leg::No => self.no.change(price, change),
        }
    }

    fn view(&self, ticker: &Ticker, now: Monotonic) -> BookView {
        BookView {
            ticker: ticker.clone(),
            seq: self.seq,
            trust: self.trust,
            age_ms: now.millis_since(self.touched),
            yes: self.yes.best_first().collect(),
            no: self.no.best_first().collect(),
        }
    }
}

#[cfg(test)]
mod tests;

//! Every book as one strand of connections tells it: one connection after the other, each retiring the one before.
//!
//! Never here: sockets, clocks, JSON, other strands. A frame of a retired connection is never applied.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use foldhash::fast::FixedState;

use super::KeeperOutput;
use crate::book::counters::BookCounters;
use crate::book::one::{Book, Change, Changed, Contradiction, Holes, Replaced, Snapshot};
use crate::book::sequence::{Sequence, Verdict};
use crate::book::trades::{About, Certain, TradeFact};
use crate::book::view::{BookView, Trust};
use crate::domain::{Generation, Monotonic, Received, SubscriptionId, Ticker};
use crate::stream::{Announcement, HealthView};
use crate::venue::{Channel, FeedItem, FeedState, LifecycleEvent, MarketFrame};

#[derive(Debug, Default)]
pub(super) struct Subscription {
    sequence: Sequence,
    pub(super) holes: Holes,
    pub(super) channel: Option<Channel>,
    /// Its numbers mean nothing any more, so nothing on it is placed.
    is_broken: bool,
    /// Why it must be made anew, and when that was last said.
    pub(super) renewing: Option<(String, Monotonic)>,
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Strand {
    /// Its place among those side by side.
    index: usize,
    pub(super) generation: Generation,
    /// Where the connection stands, and why.
    pub(super) standing: Option<(FeedState, String)>,
    /// Nothing from before then is believed, and why: the connection must be made anew.
    distrusted: Option<(Monotonic, String)>,
    pub(super) subscriptions: HashMap<SubscriptionId, Subscription, FixedState>,
    /// The subscription that carries the books, once the venue has acknowledged it.
    pub(super) books_sid: Option<SubscriptionId>,
    pub(super) books: HashMap<Ticker, Book, FixedState>,
    /// How many of them are live, and how many suspect.
    pub(super) live: u64,
    pub(super) suspect: u64,
    /// When the last item came.
    pub(super) latest: Received,
    /// Up to where its trades are known.
    pub(super) certain: Certain,
    /// Markets nobody follows any more; what still comes of them on this connection is not applied.
    pub(super) dropped: HashSet<Ticker>,
    pub(super) counters: Arc<BookCounters>,
    /// Where it shows how many books there are: the counters, unless it is one of two.
    pub(super) gauges: Arc<BookCounters>,
}

/// Where a frame stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct At {
    pub(super) sid: SubscriptionId,
    pub(super) seq: Option<u64>,
    pub(super) received: Received,
}

impl Strand {
    pub(super) fn new(index: usize, counters: Arc<BookCounters>, gauges: Arc<BookCounters>) -> Strand {
        Strand { index, counters, gauges, ..Strand::default() }
    }

    /// Applies one item of the feed.
    pub(super) fn apply(&mut self, item: FeedItem, out: &mut KeeperOutput) {
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

    /// See [`super::Keeper::distrust_all`].
    pub(super) fn distrust_all(&mut self, reason: &str, at: Received, out: &mut KeeperOutput) {
        self.distrusted = Some((at.monotonic, reason.to_owned()));
        self.stale_all(reason, at, out);
        out.reconnects.push((self.generation, reason.to_owned()));
    }

    fn believes(&self, generation: Generation) -> bool {
        generation == self.generation && self.distrusted.is_none()
    }

    /// Asks again for snapshots that did not come.
    pub(super) fn sweep(&mut self, now: Monotonic, out: &mut KeeperOutput) {
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
            out.reconnects.push((self.generation, reason.clone()));
        }
        self.renew_again(now, out);
    }

    /// Returns the book, if a snapshot of it ever came.
    pub(super) fn known(&self, ticker: &Ticker) -> Option<&Book> {
        self.books.get(ticker).filter(|book| book.is_known())
    }

    pub(super) fn view(&self, ticker: &Ticker, now: Monotonic) -> Option<BookView> {
        self.known(ticker).map(|book| book.view(ticker, now))
    }

    /// Tells whether frames can come on its present connection.
    pub(super) fn is_admitted(&self) -> bool {
        self.standing.as_ref().is_some_and(|(state, _)| state.is_admitted())
    }

    pub(super) fn about_trades(&self, about: About, out: &mut KeeperOutput) {
        out.trade_facts.push(TradeFact { strand: self.index, certain: self.certain, about });
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
        self.standing = Some((state, reason.to_owned()));
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
        self.about_trades(About::Disconnected { at }, out);
        self.dropped.clear();
        self.distrust_where(|_| true, Trust::Stale, reason, at, out);
    }

    /// A new subscription counts from its first frame, and retires the one of its channel before it.
    fn subscribed(&mut self, sid: SubscriptionId, channel: Channel, out: &mut KeeperOutput) {
        self.subscriptions.retain(|_, old| old.channel != Some(channel));
        let channel_of_sid = Subscription { channel: Some(channel), ..Subscription::default() };
        self.subscriptions.insert(sid, channel_of_sid);
        if channel == Channel::Trade {
            self.certain.subscribed(self.latest.monotonic);
            self.about_trades(About::Subscribed, out);
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
        self.certain.heard = at.received.monotonic;
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
                    self.certain.told(at);
                }
                let seq = at.seq.unwrap_or(0);
                let change = Change { leg, price, by: change, clock, seq, venue_time, received };
                self.delta(at, ticker, &change, out);
            }
            MarketFrame::Trade(trade) => {
                BookCounters::bump(&self.counters.trades);
                self.certain.traded(trade.ts_ms, received.monotonic);
                self.about_trades(About::Told { trade, received }, out);
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
            self.gauges.books.store(self.books.len() as u64, Relaxed);
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

//! The books that are served of two strands: of each market, what the faster strand tells.
//!
//! Of each book one strand leads, and what is served is its levels after each of its changes. The other one takes the lead with
//! its first change whose `clock` is beyond all that was served: then it holds everything up to there, so its levels are taken
//! over, and what differs is told. Several changes may share a clock; those of one clock come from the strand that leads, so a
//! change is never left out, nor the order of two strands relied on within a clock. Without clocks the lead changes only when
//! it is lost.
//!
//! A leader that loses its book hands over to the other strand if that has come as far. If it has not, what is served is the
//! newest there is: it stays, is live, and waits for the other to catch up, but not for long: the other strand's book is live,
//! and as good as if it were alone.
//!
//! Invariant: what is served as live is, or was within `WAIT_MS`, the live book of a strand (I7).

mod health;
mod served;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use foldhash::fast::FixedState;

use super::KeeperOutput;
use super::strand::Strand;
use crate::book::counters::BookCounters;
use crate::book::echo::Echo;
use crate::book::one::Book;
use crate::book::view::{BookView, Trust, Watermark};
use crate::domain::{Generation, Monotonic, Received, Ticker, VenueTime};
use crate::stream::Announcement;
use crate::venue::FeedState;
use served::{Served, has_reached, is_beyond};

/// How long what a lost leader told is served while the other strand is behind it. After maintenance that set the exchange's
/// clocks back it is behind for good.
const WAIT_MS: u64 = 2_000;

/// What made a book be looked at.
#[derive(Debug, Clone, Copy)]
struct Cause<'a> {
    strand: usize,
    /// The strand's book was replaced.
    is_snapshot: bool,
    reason: &'a str,
    venue_time: Option<VenueTime>,
    received: Received,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Merge {
    books: HashMap<Ticker, Served, FixedState>,
    live: u64,
    suspect: u64,
    /// Books that wait for a strand to come as far, since when.
    waiting: BTreeMap<Ticker, Monotonic>,
    echo: Echo,
    /// What was last told of the stream as a whole.
    told: Option<(FeedState, String)>,
    unbroken: Generation,
    counters: Arc<BookCounters>,
}

impl Merge {
    pub(super) fn new(counters: Arc<BookCounters>) -> Merge {
        Merge {
            books: HashMap::default(),
            live: 0,
            suspect: 0,
            waiting: BTreeMap::new(),
            echo: Echo::default(),
            told: None,
            unbroken: Generation::default(),
            counters,
        }
    }

    /// Takes what strand `by` announces, and announces what is new in it.
    pub(super) fn take(&mut self, by: usize, it: Announcement, strands: &[Strand], out: &mut KeeperOutput) {
        let cause = |received, venue_time, reason| {
            let is_snapshot = false;
            Cause { strand: by, is_snapshot, reason, venue_time, received }
        };
        match it {
            Announcement::BookDelta { ref ticker, leg, price, count, seq, venue_time, received } => {
                let clock = strands.get(by).and_then(|strand| strand.books.get(ticker)).map(Book::watermark);
                let clock = clock.and_then(|watermark| watermark.clock);
                let Some(served) = self.books.get_mut(ticker) else { return };
                if served.leader == Some(by) {
                    served.legs.set(leg, price, count);
                    (served.seq, served.clock, served.touched) = (seq, clock, received.monotonic);
                    self.count_first(by);
                    out.announcements.push(it);
                } else if served.may_lead(clock) {
                    self.count_first(by);
                    self.look(ticker, strands, cause(received, venue_time, ""), out);
                } else {
                    BookCounters::bump(&self.counters.strand_duplicates);
                }
            }
            Announcement::BookSnapshot { view, received, .. } => {
                let cause = Cause { is_snapshot: true, ..cause(received, None, "") };
                self.look(&view.ticker, strands, cause, out);
            }
            Announcement::BookTrust { ticker, reason, received, .. } => {
                self.look(&ticker, strands, cause(received, None, &reason), out);
            }
            Announcement::Health(health) => self.health(by, health, strands, out),
            other => {
                if !self.echo.is_known(by, &other) {
                    out.announcements.push(other);
                }
            }
        }
    }

    /// Decides anew who leads a book.
    fn look(&mut self, ticker: &Ticker, strands: &[Strand], cause: Cause<'_>, out: &mut KeeperOutput) {
        let live = |index: usize| live_book(strands, index, ticker);
        let best = most_advanced(strands, ticker);
        let Some(served) = self.books.get_mut(ticker) else {
            if let Some(best) = best {
                self.books.insert(ticker.clone(), Served::default());
                self.counters.books.store(self.books.len() as u64, Relaxed);
                self.begin(ticker, strands, best, cause, out);
            }
            return;
        };
        let leader = served.leader.filter(|leader| live(*leader).is_some());
        match (leader, best) {
            (Some(leader), _) => {
                let Some(book) = live(cause.strand) else { return };
                if leader == cause.strand && cause.is_snapshot {
                    self.begin(ticker, strands, leader, cause, out);
                } else if leader != cause.strand && is_beyond(book.watermark().clock, served.clock) {
                    self.follow(ticker, strands, cause.strand, cause, out);
                }
            }
            (None, None) => {
                let trust = trust_of(strands, ticker);
                served.leader = None;
                self.waiting.remove(ticker);
                self.distrust(ticker, trust, cause, out);
            }
            (None, Some(best)) if served.trust != Trust::Live => {
                self.begin(ticker, strands, best, cause, out);
            }
            (None, Some(best)) => {
                if live(best).is_some_and(|book| has_reached(book.watermark().clock, served.clock)) {
                    self.follow(ticker, strands, best, cause, out);
                } else {
                    served.leader = None;
                    self.waiting.entry(ticker.clone()).or_insert(cause.received.monotonic);
                }
            }
        }
    }

    /// A strand's book is served from now on, as a whole.
    fn begin(
        &mut self,
        ticker: &Ticker,
        strands: &[Strand],
        leader: usize,
        cause: Cause<'_>,
        out: &mut KeeperOutput,
    ) {
        let Some(book) = live_book(strands, leader, ticker) else { return };
        let Some(served) = self.books.get_mut(ticker) else { return };
        let was = std::mem::replace(&mut served.trust, Trust::Live);
        served.be(book, leader, cause.received.monotonic);
        let view = served.view(ticker, cause.received.monotonic);
        self.waiting.remove(ticker);
        self.trust_moved(was, Trust::Live);
        let received = cause.received;
        out.announcements.push(Announcement::BookSnapshot { view, received, requested: false });
    }

    /// A strand's book is served from now on; only what differs in it is told.
    fn follow(
        &mut self,
        ticker: &Ticker,
        strands: &[Strand],
        leader: usize,
        cause: Cause<'_>,
        out: &mut KeeperOutput,
    ) {
        let Some(book) = live_book(strands, leader, ticker) else { return };
        let Some(served) = self.books.get_mut(ticker) else { return };
        let differences = served.legs.differences(book.legs());
        served.be(book, leader, cause.received.monotonic);
        self.waiting.remove(ticker);
        let Cause { venue_time, received, .. } = cause;
        let seq = served.seq;
        out.announcements.extend(differences.map(|(leg, price, count)| {
            let ticker = ticker.clone();
            Announcement::BookDelta { ticker, leg, price, count, seq, venue_time, received }
        }));
    }

    fn distrust(&mut self, ticker: &Ticker, trust: Trust, cause: Cause<'_>, out: &mut KeeperOutput) {
        let Some(served) = self.books.get_mut(ticker) else { return };
        let was = std::mem::replace(&mut served.trust, trust);
        if was != trust {
            served.touched = cause.received.monotonic;
            self.trust_moved(was, trust);
            let (ticker, reason) = (ticker.clone(), cause.reason.to_owned());
            out.announcements.push(Announcement::BookTrust {
                ticker,
                trust,
                reason,
                received: cause.received,
            });
        }
    }

    /// Ends what waited too long for the other strand: that one's book is served as it is.
    pub(super) fn sweep(&mut self, now: Monotonic, strands: &[Strand], out: &mut KeeperOutput) {
        let is_over = |since: &Monotonic| now.millis_since(*since) >= WAIT_MS;
        let over = self.waiting.iter().filter(|(_, since)| is_over(since)).map(|(ticker, _)| ticker.clone());
        for ticker in over.collect::<Vec<_>>() {
            let Some(best) = most_advanced(strands, &ticker) else { continue };
            let received = strands.get(best).map_or_else(Received::default, |strand| strand.latest);
            let (is_snapshot, reason, venue_time) = (false, "", None);
            let cause = Cause { strand: best, is_snapshot, reason, venue_time, received };
            self.follow(&ticker, strands, best, cause, out);
        }
    }

    pub(super) fn forget(&mut self, ticker: &Ticker) {
        if let Some(served) = self.books.remove(ticker) {
            self.trust_moved(served.trust, Trust::Stale);
            self.counters.books.store(self.books.len() as u64, Relaxed);
        }
        self.waiting.remove(ticker);
        self.echo.forget(ticker);
    }

    pub(super) fn view(&self, ticker: &Ticker, now: Monotonic) -> Option<BookView> {
        self.books.get(ticker).map(|served| served.view(ticker, now))
    }

    pub(super) fn trust(&self, ticker: &Ticker) -> Option<Trust> {
        self.books.get(ticker).map(|served| served.trust)
    }

    pub(super) fn watermark(&self, ticker: &Ticker) -> Option<Watermark> {
        self.books.get(ticker).map(|served| Watermark { seq: served.seq, clock: served.clock })
    }

    fn trust_moved(&mut self, from: Trust, to: Trust) {
        for (trust, change) in [(from, -1), (to, 1)] {
            match trust {
                Trust::Live => self.live = self.live.saturating_add_signed(change),
                Trust::Suspect => self.suspect = self.suspect.saturating_add_signed(change),
                Trust::Stale => {}
            }
        }
        self.counters.books_live.store(self.live, Relaxed);
        self.counters.books_suspect.store(self.suspect, Relaxed);
    }

    fn count_first(&self, strand: usize) {
        if let Some(first) = self.counters.strand_first.get(strand) {
            BookCounters::bump(first);
        }
    }
}

fn live_book<'a>(strands: &'a [Strand], index: usize, ticker: &Ticker) -> Option<&'a Book> {
    strands.get(index)?.books.get(ticker).filter(|book| book.trust() == Trust::Live)
}

/// Returns the strand whose live book has come furthest.
fn most_advanced(strands: &[Strand], ticker: &Ticker) -> Option<usize> {
    let live = (0..strands.len()).filter_map(|index| Some((index, live_book(strands, index, ticker)?)));
    live.max_by_key(|(_, book)| book.watermark().clock).map(|(index, _)| index)
}

/// Returns the trust of a book that no strand has live.
fn trust_of(strands: &[Strand], ticker: &Ticker) -> Trust {
    let is_suspect =
        |strand: &Strand| strand.known(ticker).is_some_and(|book| book.trust() == Trust::Suspect);
    if strands.iter().any(is_suspect) { Trust::Suspect } else { Trust::Stale }
}

//! How trust is lost and won back: what becomes suspect, what is asked for, and what is said about it.

use std::sync::atomic::Ordering::Relaxed;

use super::strand::{At, Strand};
use super::{KeeperOutput, Renewal, Resync};
use crate::book::counters::BookCounters;
use crate::book::one::{Book, Holes};
use crate::book::trades::About;
use crate::book::view::Trust;
use crate::domain::{Monotonic, Received, SubscriptionId, Ticker};
use crate::stream::Announcement;
use crate::venue::Channel;

/// Between two requests to make the same subscription anew.
const RENEW_AGAIN_MS: u64 = 5_000;

impl Strand {
    /// Returns the holes of the subscription, or `None` if it is not the one that carries the books.
    pub(super) fn holes_of_books(&self, sid: SubscriptionId) -> Option<Holes> {
        if self.books_sid.is_some_and(|books_sid| books_sid != sid) {
            BookCounters::bump(&self.counters.retired_items);
            return None;
        }
        Some(self.subscriptions.get(&sid).map_or(Holes::default(), |subscription| subscription.holes))
    }

    /// A frame of the subscription is missing, and nothing says whose: every book on it becomes suspect.
    pub(super) fn lose(&mut self, at: At, reason: &str, out: &mut KeeperOutput) {
        if let Some(subscription) = self.subscriptions.get_mut(&at.sid) {
            subscription.holes.count += 1;
            subscription.holes.last = at.received.monotonic;
        }
        if self.subscriptions.get(&at.sid).is_some_and(|of| of.channel == Some(Channel::Trade)) {
            self.about_trades(About::Lost { at: at.received }, out);
        }
        if self.books_sid.is_some_and(|books_sid| books_sid != at.sid) {
            return;
        }
        let is_hit = |book: &Book| book.trust() == Trust::Live && book.home() == Some(at.sid);
        let hit = self.distrust_where(is_hit, Trust::Suspect, reason, at.received, out);
        self.ask(hit, at, out);
    }

    /// A snapshot that cannot be used: another one is asked for, and in the end another subscription.
    pub(super) fn refuse(&mut self, ticker: &Ticker, reason: &str, at: At, out: &mut KeeperOutput) {
        self.distrust(ticker, Trust::Suspect, reason, at.received, out);
        if self.books.get_mut(ticker).is_some_and(Book::refuse) {
            let reason = format!("{ticker}: {reason}, again and again");
            self.renew(at.sid, reason, at.received.monotonic, out);
        } else {
            self.ask(vec![ticker.clone()], at, out);
        }
    }

    /// Takes the trust of all books that `is_hit`, in the order of their tickers, and returns them. Costs nothing when no
    /// book can be hit.
    pub(super) fn distrust_where(
        &mut self,
        is_hit: impl Fn(&Book) -> bool,
        trust: Trust,
        reason: &str,
        at: Received,
        out: &mut KeeperOutput,
    ) -> Vec<Ticker> {
        if trust == Trust::Suspect && self.live == 0 {
            return Vec::new();
        }
        let hit = self.books.iter().filter(|(_, book)| is_hit(book)).map(|(ticker, _)| ticker.clone());
        let mut hit: Vec<Ticker> = hit.collect();
        hit.sort_unstable();
        for ticker in &hit {
            self.distrust(ticker, trust, reason, at, out);
        }
        hit
    }

    pub(super) fn distrust(
        &mut self,
        ticker: &Ticker,
        trust: Trust,
        reason: &str,
        at: Received,
        out: &mut KeeperOutput,
    ) {
        let Some(book) = self.books.get_mut(ticker) else { return };
        let was = book.trust();
        book.distrust(trust, at.monotonic);
        if was != trust {
            let is_known = book.is_known();
            self.trust_moved(was, trust);
            if is_known {
                let (ticker, reason) = (ticker.clone(), reason.to_owned());
                out.announcements.push(Announcement::BookTrust { ticker, trust, reason, received: at });
            }
        }
    }

    pub(super) fn trust_moved(&mut self, from: Trust, to: Trust) {
        for (trust, change) in [(from, -1), (to, 1)] {
            match trust {
                Trust::Live => self.live = self.live.saturating_add_signed(change),
                Trust::Suspect => self.suspect = self.suspect.saturating_add_signed(change),
                Trust::Stale => {}
            }
        }
        self.gauges.books_live.store(self.live, Relaxed);
        self.gauges.books_suspect.store(self.suspect, Relaxed);
    }

    pub(super) fn ask(&mut self, tickers: Vec<Ticker>, at: At, out: &mut KeeperOutput) {
        for ticker in &tickers {
            if let Some(book) = self.books.get_mut(ticker) {
                book.ask(at.received.monotonic);
            }
        }
        self.resync(at.sid, tickers, out);
    }

    pub(super) fn resync(&self, sid: SubscriptionId, tickers: Vec<Ticker>, out: &mut KeeperOutput) {
        if !tickers.is_empty() {
            BookCounters::bump(&self.counters.resyncs);
            out.resyncs.push(Resync { generation: self.generation, sid, tickers });
        }
    }

    /// The subscription cannot be healed by snapshots: it must be made anew.
    pub(super) fn renew(
        &mut self,
        sid: SubscriptionId,
        reason: String,
        now: Monotonic,
        out: &mut KeeperOutput,
    ) {
        if let Some(subscription) = self.subscriptions.get_mut(&sid) {
            subscription.renewing = Some((reason.clone(), now));
        }
        out.renewals.push(Renewal { generation: self.generation, sid, reason });
    }

    /// Asks again for the subscriptions that were not made anew.
    pub(super) fn renew_again(&mut self, now: Monotonic, out: &mut KeeperOutput) {
        let waits = |asked: &Monotonic| now.millis_since(*asked) < RENEW_AGAIN_MS;
        for (sid, subscription) in &mut self.subscriptions {
            if let Some((reason, asked)) = subscription.renewing.as_mut().filter(|(_, asked)| !waits(asked)) {
                *asked = now;
                let (generation, sid, reason) = (self.generation, *sid, reason.clone());
                out.renewals.push(Renewal { generation, sid, reason });
            }
        }
    }
}

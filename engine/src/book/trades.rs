//! Public trades: each told once, and those a break hid read back by REST.
//!
//! The stream tells trades while it is connected and its numbers have no hole. From the last certain moment before a break on,
//! trades are asked for once the subscriptions are back. What is read back is told oldest first and marked; what the stream
//! tells meanwhile is told at once. Of two strands side by side one is enough: what breaks on one is a break only if the other
//! was not there all the time. Never here: sockets, clocks, the tape.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

use super::counters::BookCounters;
use crate::domain::{Monotonic, Received, Ticker, TradeId, VenueTime};
use crate::stream::{Alert, Announcement};
use crate::venue::{PublicTrade, TradesReport, TradesScope};

/// Ids of trades kept to tell each once. More than a back-fill can overlap with.
const SEEN_MAX: usize = 65_536;
/// How far a back-fill overlaps with what is known: frames of different channels are not in order.
const OVERLAP_MS: i64 = 10_000;
/// From the last subscription to the read: what REST shows by then reaches to where the stream begins.
const SETTLE_MS: u64 = 1_000;
/// New books postpone the read at most this long.
const SETTLE_MS_MAX: u64 = 10_000;
const FAILURE_DELAY_MS_MAX: u64 = 30_000;
/// What a strand had not told when it broke was sent at most so long before its last frame came: another strand that was there
/// since then brings it.
const STRAND_LAG_MS: u64 = 5_000;

/// What the tape must remember, so that a process that dies does not forget what is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TradeGap {
    /// Trades since this venue time may be missing. To be remembered before any trade that follows.
    Opened(VenueTime),
    /// Read back: only since then something may be missing, or nothing is. To be remembered after what was read back.
    Narrowed(Option<VenueTime>),
}

/// Where reading back stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Asking {
    /// Nothing is missing, or the stream is not back yet.
    #[default]
    Idle,
    /// The subscriptions are back; the next sweep sets the moment.
    Wanted,
    At(Monotonic),
    /// Asked; `later` is the first break since then, whose trades the answer need not hold.
    InFlight {
        later: Option<VenueTime>,
    },
}

/// How far what one strand told is certain.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Certain {
    /// The newest venue time any frame told.
    newest: Option<VenueTime>,
    /// When the last frame came.
    pub(super) heard: Monotonic,
    /// When the last trade came, or the subscription began.
    traded: Monotonic,
}

/// What a strand has to say about trades.
#[derive(Debug)]
pub(super) struct TradeFact {
    pub(super) strand: usize,
    pub(super) certain: Certain,
    pub(super) about: About,
}

#[derive(Debug)]
pub(super) enum About {
    Told {
        trade: PublicTrade,
        received: Received,
    },
    /// A subscription to trades is (back) in place.
    Subscribed,
    /// A hole in the numbers of a subscription that goes on.
    Lost {
        at: Received,
    },
    /// The connection is gone.
    Disconnected {
        at: Received,
    },
}

/// A strand's subscription to trades.
#[derive(Debug, Clone, Copy, Default)]
struct Cover {
    /// In place: a break now hides trades.
    is_there: bool,
    /// There all the time since then, at the least, and without a hole.
    since: Option<Monotonic>,
}

#[derive(Debug, Default)]
pub(super) struct Trades {
    counters: Arc<BookCounters>,
    seen: HashSet<TradeId>,
    in_order: VecDeque<TradeId>,
    missing_since: Option<VenueTime>,
    /// One for each strand.
    covers: Vec<Cover>,
    /// The newest trade told of each market, where there is more than one strand to tell them.
    newest: HashMap<Ticker, VenueTime>,
    asking: Asking,
    /// When the newest break was noticed, and since when it may hide trades.
    last_break: Option<(Monotonic, VenueTime)>,
    /// A subscription came back while a read was in flight.
    wanted_again: bool,
    failures: u32,
}

impl Certain {
    /// Takes the venue's time of a frame.
    pub(super) fn told(&mut self, at: VenueTime) {
        self.newest = self.newest.max(Some(at));
    }

    pub(super) fn traded(&mut self, at: VenueTime, now: Monotonic) {
        self.told(at);
        self.traded = now;
    }

    pub(super) fn subscribed(&mut self, now: Monotonic) {
        self.traded = now;
    }
}

impl Trades {
    pub(super) fn new(
        strands: usize,
        counters: Arc<BookCounters>,
        missing_since: Option<VenueTime>,
    ) -> Trades {
        Trades { counters, missing_since, covers: vec![Cover::default(); strands], ..Trades::default() }
    }

    /// Takes in what a strand says; returns a trade that was not told before, and what the tape must remember.
    pub(super) fn take(&mut self, fact: TradeFact) -> (Option<Announcement>, Option<TradeGap>) {
        let TradeFact { strand, certain, about } = fact;
        match about {
            About::Told { trade, received } => (self.streamed(trade, received), None),
            About::Subscribed => {
                self.subscribed(strand);
                (None, None)
            }
            About::Lost { at } => {
                // The frame was lost at any time since the last one of its subscription.
                let is_break = !self.is_elsewhere(strand, certain.traded);
                let gap = is_break.then(|| self.broke(strand, certain, at)).flatten();
                if let Some(cover) = self.covers.get_mut(strand) {
                    // The other strand may have lost the same frame.
                    cover.since = None;
                }
                if is_break {
                    self.lost();
                }
                (None, gap)
            }
            About::Disconnected { at } => {
                let is_break = !self.is_elsewhere(strand, certain.heard);
                let gap = is_break.then(|| self.broke(strand, certain, at)).flatten();
                self.disconnected(strand);
                (None, gap)
            }
        }
    }

    /// Tells whether another strand brings what this one lost since it last was heard.
    fn is_elsewhere(&self, strand: usize, heard: Monotonic) -> bool {
        let from = Monotonic(heard.0.saturating_sub(STRAND_LAG_MS * 1_000_000));
        let others = self.covers.iter().enumerate().filter(|(other, _)| *other != strand);
        others.into_iter().any(|(_, cover)| cover.since.is_some_and(|since| since <= from))
    }

    fn is_covered(&self) -> bool {
        self.covers.iter().any(|cover| cover.is_there)
    }

    fn streamed(&mut self, trade: PublicTrade, received: Received) -> Option<Announcement> {
        if !self.note(&trade.trade_id) {
            return None;
        }
        // A slower strand may be the only one that has an older trade.
        let is_late = self.covers.len() > 1 && self.is_late(&trade);
        Some(Announcement::Trade { trade, received, backfilled: is_late })
    }

    fn is_late(&mut self, trade: &PublicTrade) -> bool {
        let Some(newest) = self.newest.get_mut(&trade.ticker) else {
            self.newest.insert(trade.ticker.clone(), trade.ts_ms);
            return false;
        };
        let is_late = trade.ts_ms < *newest;
        *newest = trade.ts_ms.max(*newest);
        is_late
    }

    /// The stream broke or lost a frame: from the last certain moment on, trades may be missing.
    fn broke(&mut self, strand: usize, certain: Certain, received: Received) -> Option<TradeGap> {
        if !self.covers.get(strand).is_some_and(|cover| cover.is_there) {
            return None;
        }
        let last = certain.newest.map_or(received.wall.millis(), |newest| newest.0);
        let since = VenueTime(last.saturating_sub(OVERLAP_MS));
        self.last_break = Some((received.monotonic, since));
        if let Asking::InFlight { later } = &mut self.asking {
            *later = Some(later.map_or(since, |later| later.min(since)));
        }
        if self.missing_since.is_some_and(|known| known <= since) {
            return None;
        }
        self.missing_since = Some(since);
        Some(TradeGap::Opened(since))
    }

    fn subscribed(&mut self, strand: usize) {
        if let Some(cover) = self.covers.get_mut(strand) {
            *cover = Cover { is_there: true, since: None };
        }
        match self.asking {
            Asking::InFlight { .. } => self.wanted_again = true,
            Asking::Idle | Asking::Wanted | Asking::At(_) => self.asking = Asking::Wanted,
        }
    }

    /// A hole in the numbers of a subscription that goes on. Many of them do not put the read off.
    fn lost(&mut self) {
        match self.asking {
            Asking::InFlight { .. } => self.wanted_again = true,
            Asking::Idle => self.asking = Asking::Wanted,
            Asking::Wanted | Asking::At(_) => {}
        }
    }

    /// What is missing is asked for when subscriptions are back.
    fn disconnected(&mut self, strand: usize) {
        if let Some(cover) = self.covers.get_mut(strand) {
            *cover = Cover::default();
        }
        if self.is_covered() {
            return;
        }
        self.wanted_again = false;
        if !matches!(self.asking, Asking::InFlight { .. }) {
            self.asking = Asking::Idle;
        }
    }

    /// Returns what to read now. `is_settled` tells that no new book has appeared lately. Call about once a second.
    pub(super) fn sweep(
        &mut self,
        now: Monotonic,
        is_settled: bool,
        tickers: impl FnOnce() -> Vec<Ticker>,
    ) -> Option<TradesScope> {
        for cover in self.covers.iter_mut().filter(|cover| cover.is_there) {
            // The acknowledgement came before now.
            cover.since.get_or_insert(now);
        }
        let since = self.missing_since?;
        match self.asking {
            Asking::Wanted => self.asking = Asking::At(after(now, SETTLE_MS)),
            Asking::At(due) if due <= now && (is_settled || now.millis_since(due) >= SETTLE_MS_MAX) => {
                let tickers = tickers();
                if tickers.is_empty() {
                    // Subscribed, and not one book has come yet: what is missing is missing of markets not known here.
                    return None;
                }
                // What was lost a moment ago may not show in the answer yet.
                let is_fresh = |(at, _): &(Monotonic, VenueTime)| now.millis_since(*at) < SETTLE_MS;
                let later = self.last_break.filter(is_fresh).map(|(_, since)| since);
                self.wanted_again |= later.is_some();
                self.asking = Asking::InFlight { later };
                BookCounters::bump(&self.counters.trade_backfills);
                return Some(TradesScope { since, tickers });
            }
            Asking::Idle | Asking::At(_) | Asking::InFlight { .. } => {}
        }
        None
    }

    /// Takes what was read back. Returns what to tell, and what may still be missing.
    pub(super) fn read_back(
        &mut self,
        report: Result<TradesReport, String>,
        received: Received,
    ) -> (Vec<Announcement>, Option<TradeGap>) {
        let Asking::InFlight { later } = std::mem::take(&mut self.asking) else { return (Vec::new(), None) };
        if std::mem::take(&mut self.wanted_again) {
            self.asking = Asking::Wanted;
        }
        let report = match report {
            Ok(report) => report,
            Err(_) => {
                BookCounters::bump(&self.counters.trade_backfill_failures);
                self.failures = self.failures.saturating_add(1);
                if self.is_covered() {
                    let delay_ms = (SETTLE_MS << self.failures.min(5)).min(FAILURE_DELAY_MS_MAX);
                    self.asking = Asking::At(after(received.monotonic, delay_ms));
                }
                return (Vec::new(), None);
            }
        };
        self.failures = 0;
        let mut told = Vec::new();
        for trade in report.trades {
            if self.note(&trade.trade_id) {
                BookCounters::bump(&self.counters.trades_backfilled);
                told.push(Announcement::Trade { trade, received, backfilled: true });
            }
        }
        if let Some(from) = report.cut_before {
            BookCounters::bump(&self.counters.trade_backfills_cut);
            let message = format!(
                "the break was longer than trades are read back for: between {} ms and {} ms some are missing",
                report.scope.since.0, from.0
            );
            told.push(Announcement::Alert(Alert { code: "OUT-TRADES-001", message }));
        }
        self.missing_since = later;
        (told, Some(TradeGap::Narrowed(later)))
    }

    /// Notes a trade; tells whether it is new.
    fn note(&mut self, id: &TradeId) -> bool {
        let is_new = self.seen.insert(id.clone());
        if is_new {
            self.in_order.push_back(id.clone());
            if self.in_order.len() > SEEN_MAX
                && let Some(oldest) = self.in_order.pop_front()
            {
                self.seen.remove(&oldest);
            }
        }
        is_new
    }
}

fn after(now: Monotonic, delay_ms: u64) -> Monotonic {
    Monotonic(now.0.saturating_add(delay_ms * 1_000_000))
}

#[cfg(test)]
mod tests;

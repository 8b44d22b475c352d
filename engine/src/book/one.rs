//! One market's book: its levels, whether they can be trusted, and what waits for its next snapshot.
//!
//! The venue's `clock` orders the changes of one market on every connection alike: a snapshot contains everything at or
//! below its own. So changes that come before their snapshot are kept and applied after it, and those it contains already
//! are left out. Without a clock the order of arrival says the same.
//!
//! Invariants: a snapshot that may lack a lost change is never taken over; what failed to apply leaves no trace in the
//! levels or the watermark.

use super::ladder::{Ladder, LevelError};
use super::view::{BookView, Trust, Watermark};
use crate::domain::{Count, Leg, Monotonic, Price, Received, SignedCount, SubscriptionId, Ticker, VenueTime};
use crate::venue::BookLevels;

/// Changes kept for a snapshot. Beyond them the snapshot must be newer than the last one dropped.
pub(super) const WAITING_MAX: usize = 512;
/// Between two requests for the same snapshot, unless it came.
const ASK_AGAIN_MS: u64 = 5_000;
/// A book whose snapshots are no use so many times in a row needs a new subscription.
const REFUSED_MAX: u32 = 3;

/// A change of one level, as it came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) leg: Leg,
    pub(super) price: Price,
    pub(super) by: SignedCount,
    pub(super) clock: Option<i64>,
    pub(super) seq: u64,
    pub(super) venue_time: Option<VenueTime>,
    pub(super) received: Received,
}

/// A whole book, as it came.
#[derive(Debug, Clone, Copy)]
pub(super) struct Snapshot<'a> {
    pub(super) yes: &'a BookLevels,
    pub(super) no: &'a BookLevels,
    pub(super) clock: Option<i64>,
    pub(super) asked: Option<Monotonic>,
}

/// When frames of a subscription were lost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Holes {
    pub(super) count: u64,
    /// When the last one was noticed.
    pub(super) last: Monotonic,
}

/// What became of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Changed {
    /// The level holds this much now.
    To(Count),
    /// The book's snapshot contained it.
    Contained,
    /// It waits for the snapshot.
    Kept,
    /// The book is not live, and its next snapshot will contain it.
    Ignored,
}

/// What became of a snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Replaced {
    /// It is the book now, with so many of the kept changes.
    With { spliced: usize },
    /// The book held everything in it already, and more.
    Known,
    /// Something may be missing in it.
    TooOld,
}

/// Why a frame cannot be true of the book.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Contradiction {
    #[error("{} {error}", leg.as_str())]
    Level { leg: Leg, error: LevelError },
    #[error("the market's clock went back from {heard} to {clock}")]
    Clock { heard: i64, clock: i64 },
}

#[derive(Debug, Clone, Default)]
pub(super) struct Legs {
    yes: Ladder,
    no: Ladder,
}

/// One book.
#[derive(Debug)]
pub(super) struct Book {
    legs: Legs,
    trust: Trust,
    /// A snapshot came, on whatever connection.
    is_known: bool,
    seq: u64,
    /// Everything at or below it is in the levels.
    clock: Option<i64>,
    /// The clock of the snapshot under the levels.
    base: Option<i64>,
    /// The clock of the last change that came, applied or not.
    heard: Option<i64>,
    /// What the next snapshot's clock must reach at least, for nothing to be missing.
    floor: Option<i64>,
    /// Something was lost, and no later change has come yet that says how far the loss reaches.
    is_open: bool,
    /// When that loss was noticed.
    lost: Monotonic,
    waiting: Vec<Change>,
    home: Option<SubscriptionId>,
    /// Holes of its subscription that the book knows of.
    holes: u64,
    touched: Monotonic,
    asked: Option<Monotonic>,
    /// Snapshots refused in a row.
    refused: u32,
}

impl Book {
    pub(super) fn new(now: Monotonic) -> Book {
        Book {
            legs: Legs::default(),
            trust: Trust::Stale,
            is_known: false,
            seq: 0,
            clock: None,
            base: None,
            heard: None,
            floor: None,
            is_open: false,
            lost: now,
            waiting: Vec::new(),
            home: None,
            holes: 0,
            touched: now,
            asked: None,
            refused: 0,
        }
    }

    /// Notes that a frame of the book came on `sid`, which has had these holes. What was kept before one is worthless.
    pub(super) fn enter(&mut self, sid: SubscriptionId, holes: Holes) {
        if self.home != Some(sid) {
            // A new subscription: its numbers and clocks stand for themselves.
            (self.home, self.holes) = (Some(sid), 0);
            (self.clock, self.base, self.heard, self.floor) = (None, None, None, None);
            (self.is_open, self.refused) = (false, 0);
            self.waiting.clear();
        }
        if self.holes != holes.count {
            self.holes = holes.count;
            self.lose(holes.last);
        }
    }

    /// Takes one change.
    pub(super) fn change(&mut self, change: &Change) -> Result<Changed, Contradiction> {
        if let (Some(heard), Some(clock)) = (self.heard, change.clock)
            && clock < heard
        {
            return Err(Contradiction::Clock { heard, clock });
        }
        if self.trust != Trust::Live {
            return Ok(self.keep(change));
        }
        if self.base.is_some_and(|base| change.clock.is_some_and(|clock| clock <= base)) {
            self.heard = change.clock;
            return Ok(Changed::Contained);
        }
        let count = self.legs.change(change)?;
        self.heard = change.clock.or(self.heard);
        self.clock = change.clock.max(self.clock);
        (self.seq, self.touched) = (change.seq, change.received.monotonic);
        Ok(Changed::To(count))
    }

    /// Keeps a change for the snapshot, if its clock can tell whether the snapshot contains it.
    pub(super) fn keep(&mut self, change: &Change) -> Changed {
        let Some(clock) = change.clock else {
            // Nothing says where it belongs, so to a snapshot with a clock it is as good as lost.
            self.lose(change.received.monotonic);
            return Changed::Ignored;
        };
        self.heard = self.heard.max(Some(clock));
        if self.waiting.len() == WAITING_MAX {
            self.lose(change.received.monotonic);
        }
        if self.is_open {
            // What was lost came before this change, so its clock is no higher.
            self.is_open = false;
            self.floor = self.floor.max(Some(clock));
        }
        self.waiting.push(*change);
        Changed::Kept
    }

    /// Takes a snapshot.
    pub(super) fn replace(
        &mut self,
        snapshot: &Snapshot<'_>,
        seq: Option<u64>,
        now: Monotonic,
    ) -> Result<Replaced, Contradiction> {
        let clock = snapshot.clock;
        if let Some(clock) = clock {
            if self.trust == Trust::Live && self.base <= Some(clock) && Some(clock) < self.clock {
                return Ok(Replaced::Known);
            }
            if self.may_lack(clock, snapshot.asked) {
                return Ok(Replaced::TooOld);
            }
        }
        let mut legs = Legs::of(snapshot.yes, snapshot.no)?;
        let later = self.waiting.iter().filter(|change| clock.is_some() && change.clock > clock);
        let mut spliced = 0;
        let mut newest = clock;
        for change in later {
            legs.change(change)?;
            newest = newest.max(change.clock);
            spliced += 1;
        }
        (self.legs, self.is_known) = (legs, true);
        (self.base, self.clock) = (clock, newest);
        self.seq = seq.unwrap_or(self.seq);
        (self.trust, self.touched, self.asked) = (Trust::Live, now, None);
        (self.floor, self.is_open, self.refused) = (None, false, 0);
        self.waiting = Vec::new();
        Ok(Replaced::With { spliced })
    }

    /// Tells whether a snapshot of `clock` may be older than something that was lost.
    fn may_lack(&self, clock: i64, asked: Option<Monotonic>) -> bool {
        if self.trust == Trust::Live {
            return Some(clock) < self.base;
        }
        // While no later change says how far the loss reaches, only a snapshot asked for after it surely contains it.
        Some(clock) < self.floor || (self.is_open && asked < Some(self.lost))
    }

    /// Takes the book's trust away.
    pub(super) fn distrust(&mut self, trust: Trust, now: Monotonic) {
        self.trust = trust;
        self.lose(now);
        if trust == Trust::Stale {
            self.leave();
        }
    }

    /// Changes were lost: a snapshot must contain all that came so far, and what comes from now on.
    fn lose(&mut self, now: Monotonic) {
        self.lost = now;
        self.waiting.clear();
        self.floor = self.heard.max(self.clock);
        self.is_open = true;
    }

    /// Notes that a snapshot was no use; tells whether asking again would be none either.
    pub(super) fn refuse(&mut self) -> bool {
        self.refused += 1;
        self.refused == REFUSED_MAX
    }

    /// Notes that a snapshot is being asked for.
    pub(super) fn ask(&mut self, now: Monotonic) {
        self.asked = Some(now);
    }

    /// Tells whether a suspect book should be asked for at `now`.
    pub(super) fn is_due(&self, now: Monotonic) -> bool {
        let waited = self.asked.is_none_or(|asked| now.millis_since(asked) >= ASK_AGAIN_MS);
        self.trust == Trust::Suspect && waited
    }

    /// The book's subscription is over.
    pub(super) fn leave(&mut self) {
        self.home = None;
    }

    pub(super) const fn is_known(&self) -> bool {
        self.is_known
    }

    pub(super) const fn trust(&self) -> Trust {
        self.trust
    }

    /// When a frame last changed it.
    pub(super) const fn touched(&self) -> Monotonic {
        self.touched
    }

    pub(super) const fn home(&self) -> Option<SubscriptionId> {
        self.home
    }

    pub(super) const fn watermark(&self) -> Watermark {
        Watermark { seq: self.seq, clock: self.clock }
    }

    pub(super) const fn legs(&self) -> &Legs {
        &self.legs
    }

    pub(super) fn view(&self, ticker: &Ticker, now: Monotonic) -> BookView {
        let age_ms = now.millis_since(self.touched);
        self.legs.view(ticker.clone(), self.seq, self.trust, age_ms)
    }
}

impl Legs {
    fn of(yes: &BookLevels, no: &BookLevels) -> Result<Legs, Contradiction> {
        let ladder = |leg, levels| Ladder::of(levels).map_err(|error| Contradiction::Level { leg, error });
        Ok(Legs { yes: ladder(Leg::Yes, yes)?, no: ladder(Leg::No, no)? })
    }

    fn change(&mut self, Change { leg, price, by, .. }: &Change) -> Result<Count, Contradiction> {
        let error = |error| Contradiction::Level { leg: *leg, error };
        self.ladder(*leg).change(*price, *by).map_err(error)
    }

    /// Sets one level's count; zero removes it.
    pub(super) fn set(&mut self, leg: Leg, price: Price, count: Count) {
        self.ladder(leg).set(price, count);
    }

    /// Returns what must be set to make these levels `other`.
    pub(super) fn differences(&self, other: &Legs) -> impl Iterator<Item = (Leg, Price, Count)> + use<> {
        let yes = self.yes.differences(&other.yes).into_iter().map(|(price, count)| (Leg::Yes, price, count));
        let no = self.no.differences(&other.no).into_iter().map(|(price, count)| (Leg::No, price, count));
        yes.chain(no)
    }

    pub(super) fn view(&self, ticker: Ticker, seq: u64, trust: Trust, age_ms: u64) -> BookView {
        let (yes, no) = (self.yes.best_first().collect(), self.no.best_first().collect());
        BookView { ticker, seq, trust, age_ms, yes, no }
    }

    fn ladder(&mut self, leg: Leg) -> &mut Ladder {
        match leg {
            Leg::Yes => &mut self.yes,
            Leg::No => &mut self.no,
        }
    }
}

//! Bugs planted on purpose, to prove that the simulation finds them.
//!
//! They exist only with the feature `planted-bugs`, one at a time and per thread; without it every question is answered
//! with no before anything is built. The product refuses to be built with the feature.

/// Tells whether this build can be made to misbehave.
pub const PLANTED_BUGS: bool = cfg!(feature = "planted-bugs");

/// A way to lose, double or misreport an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Bug {
    /// A repeated request whose first try had no answer is sent under another id.
    NewIdOnRetry,
    /// A client is told before the entry is durable.
    AckBeforeSync,
    /// An order leaves before its intent is durable.
    SendBeforeSync,
    /// No answer is taken for a refusal.
    TimeoutMeansRejected,
    /// Fills that only a report brings are left out.
    NoFillBackfill,
    /// The same fill counts each time it is told.
    FillCountedTwice,
    /// The first report that does not show an order proves that it never arrived.
    NotFoundIsFinal,
    /// Fills that come after the cancel are thrown away.
    CancelDropsFills,
    /// Older words about an order replace newer ones.
    StaleSnapshotWins,
    /// The halt is not in the journal.
    HaltNotDurable,
    /// Cancels queue behind placements. Planted in the simulation's model of the gateway.
    CancelWaits,
    /// An unknown order counts nothing in the exposure.
    UnknownIsNoRisk,
    /// A change without an answer is settled by when it was asked for, not by when it may have left last.
    ChangeSettledEarly,
    /// An amend that a cancel overtook is forgotten.
    OvertakenAmendForgotten,
    /// The fills an amend says it made are taken for all there are.
    AmendFillsAreAll,
    /// What a decrease left is added to the fills known here, as if there could be no others.
    DecreaseIsExact,
    /// An end that was concluded from fills is never read back.
    ConclusionIsFinal,
}

impl Bug {
    pub const ALL: [Bug; 17] = [
        Bug::NewIdOnRetry,
        Bug::AckBeforeSync,
        Bug::SendBeforeSync,
        Bug::TimeoutMeansRejected,
        Bug::NoFillBackfill,
        Bug::FillCountedTwice,
        Bug::NotFoundIsFinal,
        Bug::CancelDropsFills,
        Bug::StaleSnapshotWins,
        Bug::HaltNotDurable,
        Bug::CancelWaits,
        Bug::UnknownIsNoRisk,
        Bug::ChangeSettledEarly,
        Bug::OvertakenAmendForgotten,
        Bug::AmendFillsAreAll,
        Bug::DecreaseIsExact,
        Bug::ConclusionIsFinal,
    ];
}

#[cfg(feature = "planted-bugs")]
mod active {
    use std::cell::Cell;

    use super::Bug;

    thread_local! {
        static ACTIVE: Cell<Option<Bug>> = const { Cell::new(None) };
    }

    /// Makes everything this thread decides from now on suffer from `bug`.
    pub fn plant(bug: Option<Bug>) {
        ACTIVE.set(bug);
    }

    /// Tells whether `bug` is planted in this thread.
    pub fn has(bug: Bug) -> bool {
        ACTIVE.get() == Some(bug)
    }
}

#[cfg(feature = "planted-bugs")]
pub use active::{has, plant};

/// Tells whether `bug` is planted: never in this build.
#[cfg(not(feature = "planted-bugs"))]
pub const fn has(_: Bug) -> bool {
    false
}

//! What may happen to a market, and where it leads: one table of every state and every step.
//!
//! Pure. Time and commands take the same steps; nothing else changes a market's state.

use super::market::Status;

/// What happens to a market.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    Open,
    Pause,
    Resume,
    Close,
    /// A closed market trades again until a later time.
    Reopen,
    Determine,
    Dispute,
    /// The result becomes another one; it counts once it is determined again.
    Amend,
    Settle,
    /// The time of the close moves.
    MoveClose,
    ChangeGrid,
    Rename,
}

impl Step {
    pub const ALL: [Step; 12] = [
        Step::Open,
        Step::Pause,
        Step::Resume,
        Step::Close,
        Step::Reopen,
        Step::Determine,
        Step::Dispute,
        Step::Amend,
        Step::Settle,
        Step::MoveClose,
        Step::ChangeGrid,
        Step::Rename,
    ];

    /// What is told to who asks for a step that a market in `status` cannot take.
    pub(super) fn refused(self, status: Status) -> String {
        let verb = match self {
            Step::Open => "opened",
            Step::Pause => "paused",
            Step::Resume => "resumed",
            Step::Close => "closed",
            Step::Reopen => "reopened",
            Step::Determine => "determined",
            Step::Dispute => "disputed",
            Step::Amend => "amended",
            Step::Settle => "settled",
            Step::MoveClose => "given another close",
            Step::ChangeGrid => "given another grid",
            Step::Rename => "renamed",
        };
        let status = status.name();
        let article = if status.starts_with(['a', 'i']) { "an" } else { "a" };
        format!("{article} {status} market cannot be {verb}")
    }
}

impl Status {
    pub const ALL: [Status; 8] = [
        Status::Initialized,
        Status::Active,
        Status::Inactive,
        Status::Closed,
        Status::Determined,
        Status::Disputed,
        Status::Amended,
        Status::Finalized,
    ];

    /// Returns where a step leads; none if it cannot be taken here.
    pub const fn after(self, step: Step) -> Option<Status> {
        Some(match (self, step) {
            (Status::Initialized, Step::Open) => Status::Active,
            (Status::Active, Step::Pause) => Status::Inactive,
            (Status::Inactive, Step::Resume) => Status::Active,
            (Status::Active | Status::Inactive, Step::Close) => Status::Closed,
            (Status::Closed, Step::Reopen) => Status::Active,
            (Status::Closed | Status::Disputed | Status::Amended, Step::Determine) => Status::Determined,
            (Status::Determined, Step::Dispute) => Status::Disputed,
            (Status::Determined | Status::Disputed, Step::Amend) => Status::Amended,
            (Status::Determined, Step::Settle) => Status::Finalized,
            (
                Status::Initialized | Status::Active | Status::Inactive,
                Step::MoveClose | Step::ChangeGrid | Step::Rename,
            ) => self,
            _ => return None,
        })
    }

    /// Whether members can still have orders in the market, or will.
    pub const fn is_before_close(self) -> bool {
        matches!(self, Status::Initialized | Status::Active | Status::Inactive)
    }

    /// Whether the market has a result, paid or not.
    pub const fn has_result(self) -> bool {
        matches!(self, Status::Determined | Status::Disputed | Status::Amended | Status::Finalized)
    }
}

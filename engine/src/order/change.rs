//! Cancels, amends and decreases of one order whose end is not known yet.

use crate::domain::{Count, Price, WallTime};
use crate::planted::{Bug, has};
use crate::venue::WriteKind;

/// A cancel, amend or decrease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    pub attempt: u64,
    pub kind: WriteKind,
    pub price: Option<Price>,
    pub count: Option<Count>,
    /// How much was wanted when it was asked for.
    pub count_before: Count,
    /// Since when no usable answer is expected any more: nothing of it left later than this. A read of the venue must
    /// settle it.
    pub unanswered_since: Option<WallTime>,
}

/// At most one cancel, and at most one amend or decrease: a cancel overtakes what is under way, and both may take effect.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes(Vec<Change>);

impl Changes {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = &Change> {
        self.0.iter()
    }

    pub fn get(&self, attempt: u64) -> Option<&Change> {
        self.0.iter().find(|change| change.attempt == attempt)
    }

    pub fn cancel(&self) -> Option<&Change> {
        self.0.iter().find(|change| change.kind == WriteKind::Cancel)
    }

    /// Tells whether an amend or decrease may still change how much is wanted.
    pub fn may_resize(&self) -> bool {
        self.0.iter().any(|change| change.kind != WriteKind::Cancel)
    }

    /// Returns the largest total any of them may lead to.
    pub fn count_max(&self) -> Count {
        self.0.iter().filter_map(|change| change.count).max().unwrap_or_default()
    }

    /// A newer change of the same kind takes the place of one without an answer.
    pub(super) fn add(&mut self, change: Change) {
        self.0.retain(|known| (known.kind == WriteKind::Cancel) != (change.kind == WriteKind::Cancel));
        if has(Bug::OvertakenAmendForgotten) {
            self.0.clear();
        }
        self.0.push(change);
    }

    pub(super) fn take(&mut self, attempt: u64) -> Option<Change> {
        let at = self.0.iter().position(|change| change.attempt == attempt)?;
        Some(self.0.remove(at))
    }

    pub(super) fn unanswered(&mut self, attempt: u64, at: WallTime) {
        let change = self.0.iter_mut().find(|change| change.attempt == attempt);
        if let Some(change) = change {
            change.unanswered_since = if has(Bug::ChangeSettledEarly) { Some(WallTime(0)) } else { Some(at) };
        }
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}

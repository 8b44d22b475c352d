//! Effects that must wait until the entries before them are durable, in the order of their steps.

use std::collections::VecDeque;

use super::step::{Effect, Step};
use crate::journal::StoredEntry;
use crate::planted::{Bug, has};

/// What is to be done once the journal has come far enough.
#[derive(Debug, Clone, Default)]
pub struct Held {
    waiting: VecDeque<(u64, Vec<Effect>)>,
    committed: u64,
}

impl Held {
    /// Everything up to `committed` is durable already.
    pub fn new(committed: u64) -> Held {
        Held { waiting: VecDeque::new(), committed }
    }

    /// Takes a step apart: what goes to the journal, and what is to be done at once. The rest waits here for `seq`, the
    /// last sequence the step's state rests on.
    pub fn take(&mut self, step: Step, seq: u64) -> (Vec<StoredEntry>, Vec<Effect>) {
        let Step { entries, mut after_commit, mut at_once } = step;
        let is_hasty = |effect: &mut Effect| match effect {
            Effect::Reply { .. } => has(Bug::AckBeforeSync),
            Effect::Send { .. } => has(Bug::SendBeforeSync),
            _ => false,
        };
        at_once.extend(after_commit.extract_if(.., is_hasty));
        if !after_commit.is_empty() {
            self.waiting.push_back((seq, after_commit));
        }
        (entries, at_once)
    }

    /// Notes that everything up to `seq` survives a power cut.
    pub fn committed(&mut self, seq: u64) {
        self.committed = self.committed.max(seq);
    }

    /// Returns the effects of the next step that need wait no longer, with the sequence they waited for.
    pub fn release(&mut self) -> Option<(u64, Vec<Effect>)> {
        self.waiting.pop_front_if(|(seq, _)| *seq <= self.committed)
    }

    /// Returns how many of the entries up to `seq` are not durable yet.
    pub fn uncommitted(&self, seq: u64) -> u64 {
        seq.saturating_sub(self.committed)
    }

    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }
}

//! The ledger's disk: what is written survives a crash only once it is synced. What was written and not synced may survive
//! as well, batch by batch in order, never with a hole.

use std::collections::VecDeque;

use outrigger_engine::journal::StoredEntry;

use crate::dice::Dice;

#[derive(Default)]
pub(crate) struct Disk {
    pub(crate) durable: Vec<StoredEntry>,
    writing: Vec<Vec<StoredEntry>>,
    waiting: VecDeque<Vec<StoredEntry>>,
}

impl Disk {
    /// Takes the entries of one step: they survive together or not at all.
    pub(crate) fn submit(&mut self, batch: Vec<StoredEntry>) {
        if !batch.is_empty() {
            self.waiting.push_back(batch);
        }
    }

    /// Starts a commit of some of what waits; tells whether there is anything to sync.
    pub(crate) fn begin(&mut self, dice: &mut Dice) -> bool {
        if !self.writing.is_empty() || self.waiting.is_empty() {
            return false;
        }
        let many = if dice.chance(80) { self.waiting.len() } else { 1 };
        self.writing.extend(self.waiting.drain(..many));
        true
    }

    /// The sync came back: returns the entries that are durable now.
    pub(crate) fn finish(&mut self) -> &[StoredEntry] {
        let before = self.durable.len();
        self.durable.extend(self.writing.drain(..).flatten());
        &self.durable[before..]
    }

    /// The power goes. Returns how many entries were there, durable or not.
    pub(crate) fn crash(&mut self, dice: &mut Dice) -> usize {
        let lost: Vec<Vec<StoredEntry>> = self.writing.drain(..).chain(self.waiting.drain(..)).collect();
        let all = self.durable.len() + lost.iter().map(Vec::len).sum::<usize>();
        let kept = if dice.chance(50) { 0 } else { dice.roll(lost.len() as u64 + 1) as usize };
        self.durable.extend(lost.into_iter().take(kept).flatten());
        all
    }

    /// Returns everything that was submitted, in order.
    pub(crate) fn all(&self) -> impl Iterator<Item = &StoredEntry> {
        self.durable.iter().chain(self.writing.iter().flatten()).chain(self.waiting.iter().flatten())
    }
}

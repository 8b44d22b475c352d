//! What is recorded beside the ledger.

use super::reader::{Reader, whole};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Store {
    /// Whether public trades and quotes are recorded.
    pub tape: bool,
    pub tape_retention_hours: u64,
}

pub(super) fn read(reader: &mut Reader<'_>) -> Store {
    let tape = reader.value("store.tape", true, |text| text.parse().map_err(|_| "true or false".to_owned()));
    // A week answers "what happened the other day" and stays below a few gigabytes on a busy feed.
    let tape_retention_hours = reader.value("store.tape_retention_hours", 168, whole(1, 87_600));
    Store { tape, tape_retention_hours }
}

//! What is recorded beside the ledger.

use std::path::{Path, PathBuf};

use super::reader::{Reader, whole};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Store {
    /// Whether public trades and quotes are recorded.
    pub tape: bool,
    pub tape_retention_hours: u64,
    /// Whether raw frames of the exchange's socket are recorded.
    pub capture: bool,
    pub capture_dir: PathBuf,
    pub capture_retention_hours: u64,
    /// Bytes on disk, compressed, all captures together.
    pub capture_max_bytes: u64,
}

fn flag(text: &str) -> Result<bool, String> {
    text.parse().map_err(|_| "true or false".to_owned())
}

/// Returns where captures lie: within the data directory if nothing else is said.
pub(super) fn capture_dir(reader: &mut Reader<'_>, data_dir: &Path) -> PathBuf {
    let given = reader.text("store.capture_dir").map(PathBuf::from);
    if given.as_ref().is_some_and(|dir| dir.as_os_str().is_empty()) {
        reader.wrong("store.capture_dir", "is empty");
    }
    let directory = given.unwrap_or_else(|| data_dir.join("captures"));
    reader.show("store.capture_dir", directory.display());
    directory
}

pub(super) fn read(reader: &mut Reader<'_>, data_dir: &Path) -> Store {
    let tape = reader.value("store.tape", true, flag);
    // A week answers "what happened the other day" and stays below a few gigabytes on a busy feed.
    let tape_retention_hours = reader.value("store.tape_retention_hours", 168, whole(1, 87_600));
    // On: what went wrong can be played again only if it was recorded, and it costs about a hundredth of a core.
    let capture = reader.value("store.capture", true, flag);
    let capture_dir = capture_dir(reader, data_dir);
    // A week of a usual feed, the last hours of a very busy one.
    let capture_retention_hours = reader.value("store.capture_retention_hours", 168, whole(1, 87_600));
    let capture_max_bytes = reader.value("store.capture_max_bytes", 2 << 30, whole(1 << 20, 1 << 50));
    Store { tape, tape_retention_hours, capture, capture_dir, capture_retention_hours, capture_max_bytes }
}

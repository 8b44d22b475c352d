//! The mark beside the ledger: how far the journal was acknowledged, kept outside the database.
//!
//! A ledger file that was cut, rolled back or lost its write-ahead log can be a perfectly sound, older database. The mark
//! is written after each commit and before its report, so a journal that ends before the mark has lost entries somebody
//! was told of (I2, I10). It is not synced: after a power cut it may be older than the journal, never newer.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use super::chain::Hash;

/// Where the journal ended when the mark was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Marked {
    pub seq: u64,
    pub hash: Hash,
}

/// The writing end.
#[derive(Debug)]
pub(super) struct Mark {
    file: File,
}

pub(super) fn mark_path(ledger: &Path) -> PathBuf {
    ledger.with_extension("mark")
}

/// Returns what the mark of `ledger` says; `None` without one, or when it is no mark at all.
pub(super) fn read(ledger: &Path) -> Option<Marked> {
    let text = fs::read_to_string(mark_path(ledger)).ok()?;
    let marked = parse(&text);
    if marked.is_none() {
        tracing::warn!(mark = %mark_path(ledger).display(), "the ledger's mark is unreadable; a lost end would not be noticed");
    }
    marked
}

fn parse(text: &str) -> Option<Marked> {
    let (seq, hash) = text.trim_end().split_once(' ')?;
    let mut bytes = Hash::default();
    hex::decode_to_slice(hash, &mut bytes).ok()?;
    Some(Marked { seq: seq.parse().ok()?, hash: bytes })
}

impl Mark {
    pub(super) fn open(ledger: &Path) -> io::Result<Mark> {
        let file = OpenOptions::new().write(true).create(true).truncate(false).open(mark_path(ledger))?;
        Ok(Mark { file })
    }

    /// Writes over the mark before it. Always the same length, well within a sector.
    pub(super) fn write(&self, seq: u64, hash: &Hash) -> io::Result<()> {
        self.file.write_all_at(format!("{seq:020} {}\n", hex::encode(hash)).as_bytes(), 0)
    }
}

#[cfg(test)]
mod tests {
    use super::{Mark, Marked, parse, read};

    #[test]
    fn a_mark_says_what_was_written_last() {
        let directory = tempfile::TempDir::new().unwrap();
        let ledger = directory.path().join("ledger.sqlite");
        assert_eq!(read(&ledger), None);
        let mark = Mark::open(&ledger).unwrap();
        mark.write(u64::MAX, &[7; 32]).unwrap();
        mark.write(12, &[9; 32]).unwrap();
        assert_eq!(read(&ledger), Some(Marked { seq: 12, hash: [9; 32] }));
        assert_eq!(parse("12"), None);
        assert_eq!(parse("x y"), None);
    }
}

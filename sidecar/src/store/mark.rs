//! The mark beside the ledger: how far the journal was acknowledged, kept outside the database.
//!
//! A ledger file that was cut, rolled back or lost its write-ahead log can be a perfectly sound, older database. The mark
//! is written after each commit and before its report, so a journal that ends before the mark has lost entries somebody
//! was told of (I2, I10). It is not synced: after a power cut it may be older than the journal, never newer.

use std::io;
use std::path::{Path, PathBuf};

use ring::digest::{Context, SHA256};

use super::chain::Hash;
use super::disk::{DiskFile, Site};
use super::error::StoreError;

/// Twenty digits, a hash and a check of both in hexadecimal, spaces between, the line's end.
const MARK_BYTES: u64 = 20 + 1 + 64 + 1 + 16 + 1;

/// Where the journal ended when the mark was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Marked {
    pub seq: u64,
    pub hash: Hash,
}

/// The writing end.
#[derive(Debug)]
pub(super) struct Mark {
    file: Box<dyn DiskFile>,
}

pub(super) fn mark_path(ledger: &Path) -> PathBuf {
    ledger.with_extension("mark")
}

/// Returns what the mark of `ledger` says; `None` without one, or when it is no mark at all.
pub(super) fn read(ledger: &Site) -> Result<Option<Marked>, StoreError> {
    let path = mark_path(&ledger.path);
    let bytes = match ledger.disk.read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(StoreError::io(format!("read {}", path.display()))(error)),
    };
    let marked = std::str::from_utf8(&bytes).ok().and_then(parse);
    if marked.is_none() {
        tracing::warn!(mark = %path.display(), "the ledger's mark is unreadable; a lost end would not be noticed");
    }
    Ok(marked)
}

fn parse(text: &str) -> Option<Marked> {
    let mut words = text.split_whitespace();
    let (seq, digits) = (words.next()?.parse().ok()?, words.next()?);
    let mut hash = Hash::default();
    hex::decode_to_slice(digits, &mut hash).ok()?;
    // Versions before the check wrote none.
    let is_whole = words.next().is_none_or(|found| found == check(seq, &hash));
    is_whole.then_some(Marked { seq, hash })
}

/// A write that failed half way leaves the new number with some of the old hash: no mark, not another history.
fn check(seq: u64, hash: &Hash) -> String {
    let mut context = Context::new(&SHA256);
    context.update(&seq.to_le_bytes());
    context.update(hash);
    hex::encode(context.finish().as_ref().first_chunk::<8>().unwrap_or(&[0; 8]))
}

impl Mark {
    /// Opens the mark of a ledger that was verified up to `seq`, and makes it say so, safely: a mark that a power cut took
    /// or spoiled is whole again before anything is promised.
    pub(super) fn renew(ledger: &Site, seq: u64, hash: &Hash) -> io::Result<Mark> {
        let mark = Mark { file: ledger.disk.open(&mark_path(&ledger.path))? };
        mark.write(seq, hash)?;
        mark.file.set_len(MARK_BYTES)?;
        mark.file.sync()?;
        ledger.sync_directory()?;
        Ok(mark)
    }

    /// Writes over the mark before it. Always the same length, well within a sector.
    pub(super) fn write(&self, seq: u64, hash: &Hash) -> io::Result<()> {
        let line = format!("{seq:020} {} {}\n", hex::encode(hash), check(seq, hash));
        self.file.write_all_at(line.as_bytes(), 0)
    }
}

#[cfg(test)]
mod tests {
    use super::{Mark, Marked, Site, parse, read};

    #[test]
    fn a_mark_says_what_was_written_last() {
        let directory = tempfile::TempDir::new().unwrap();
        let ledger = directory.path().join("ledger.sqlite");
        let ledger = Site::of(&ledger);
        assert_eq!(read(&ledger).unwrap(), None);
        let mark = Mark::renew(&ledger, u64::MAX, &[7; 32]).unwrap();
        assert_eq!(read(&ledger).unwrap(), Some(Marked { seq: u64::MAX, hash: [7; 32] }));
        mark.write(12, &[9; 32]).unwrap();
        assert_eq!(read(&ledger).unwrap(), Some(Marked { seq: 12, hash: [9; 32] }));
        let zeros = "0".repeat(64);
        assert_eq!(
            parse(&format!("12 {zeros}\n")),
            Some(Marked { seq: 12, hash: [0; 32] }),
            "an older version's"
        );
        assert_eq!(parse(&format!("12 {zeros} 0123456789abcdef\n")), None, "half written");
        assert_eq!(parse("12"), None);
        assert_eq!(parse("x y"), None);
    }
}

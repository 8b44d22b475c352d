//! Reading the journal back, verifying every row on the way.

use std::path::Path;

use rusqlite::Connection;

use outrigger_engine::domain::WallTime;
use outrigger_engine::journal::{Entry, StoredEntry};

use super::append::PAYLOAD_VERSION;
use super::chain::{GENESIS, Hash, Row, link};
use super::error::StoreError;

/// Hands every entry to `each`, in sequence. Stops at the first row that is missing, altered or of an unknown kind.
/// Returns how many there were and the end of the chain.
pub fn read_back(
    connection: &Connection,
    path: &Path,
    mut each: impl FnMut(&StoredEntry),
) -> Result<(u64, [u8; 32]), StoreError> {
    let damaged = |what: String| StoreError::Damaged { path: path.to_owned(), what };
    let unreadable = |error: rusqlite::Error| damaged(format!("the journal cannot be read: {error}"));
    let sql = "SELECT seq, at_us, cause, kind, version, payload, hash FROM journal ORDER BY seq";
    let mut statement = connection.prepare(sql).map_err(unreadable)?;
    let mut rows = statement.query([]).map_err(unreadable)?;
    let (mut count, mut end) = (0_u64, GENESIS);
    while let Some(row) = rows.next().map_err(unreadable)? {
        let row = TextRow::read(row).map_err(unreadable)?;
        let entry = check(&row, count.saturating_add(1), &end).map_err(damaged)?;
        each(&entry);
        (count, end) = (row.seq, row.hash);
    }
    Ok((count, end))
}

struct TextRow {
    seq: u64,
    at_us: i64,
    cause: String,
    kind: String,
    version: i64,
    payload: String,
    hash: Hash,
}

impl TextRow {
    fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<TextRow> {
        let seq: i64 = row.get(0)?;
        Ok(TextRow {
            seq: u64::try_from(seq).unwrap_or(0),
            at_us: row.get(1)?,
            cause: row.get(2)?,
            kind: row.get(3)?,
            version: row.get(4)?,
            payload: row.get(5)?,
            hash: row.get(6)?,
        })
    }
}

/// Returns the entry of `row` if it is the expected next one and unaltered, else says what is wrong.
fn check(row: &TextRow, expected: u64, previous: &Hash) -> Result<StoredEntry, String> {
    if row.seq != expected {
        return Err(format!("entry {expected} is missing (the next one is {})", row.seq));
    }
    let TextRow { seq, at_us, cause, kind, version, payload, hash } = row;
    let linked = link(previous, Row { seq: *seq, at_us: *at_us, cause, kind, version: *version, payload });
    if linked != *hash {
        return Err(format!("entry {seq} ({kind}) was altered: its hash does not match"));
    }
    if *version > PAYLOAD_VERSION {
        return Err(format!("entry {seq} has format {version}, written by a newer outrigger"));
    }
    let entry: Entry =
        serde_json::from_str(payload).map_err(|error| format!("entry {seq} ({kind}): {error}"))?;
    Ok(StoredEntry { seq: *seq, at: WallTime(*at_us), cause: cause.clone(), entry })
}

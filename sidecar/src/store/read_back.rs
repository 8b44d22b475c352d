//! Reading the journal back, verifying every row on the way, and that the end is the end that was acknowledged.

use std::path::Path;

use rusqlite::{Connection, OptionalExtension as _};

use outrigger_engine::domain::WallTime;
use outrigger_engine::journal::{Entry, StoredEntry};

use super::append::PAYLOAD_VERSION;
use super::chain::{GENESIS, Hash, Row, link};
use super::committer::{Outlook, outlook};
use super::disk::Site;
use super::error::StoreError;
use super::mark::{self, Marked};
use super::open::open_ledger_at;

/// A ledger of which every entry was read and found sound. Only such a one can be written to (I10).
#[derive(Debug)]
pub struct VerifiedLedger {
    pub(super) site: Site,
    pub(super) connection: Connection,
    /// The chain's end.
    pub(super) end: Hash,
    pub(super) entries: u64,
}

impl VerifiedLedger {
    /// Opens (or makes) the ledger of environment `env` and hands every entry to `each`, in sequence.
    pub fn open(
        path: &Path,
        env: &str,
        each: impl FnMut(&StoredEntry),
    ) -> Result<VerifiedLedger, StoreError> {
        VerifiedLedger::open_at(Site::of(path), env, each)
    }

    pub(super) fn open_at(
        site: Site,
        env: &str,
        each: impl FnMut(&StoredEntry),
    ) -> Result<VerifiedLedger, StoreError> {
        let connection = open_ledger_at(&site, env)?;
        let (entries, end) = read_back(&connection, &site, each)?;
        Ok(VerifiedLedger { site, connection, end, entries })
    }

    pub fn entries(&self) -> u64 {
        self.entries
    }
}

/// Hands every entry to `each`, in sequence. Stops at the first row that is missing, altered or of an unknown kind.
/// A ledger that was not closed cleanly has its pages checked first. Returns how many there were and the end of the chain.
fn read_back(
    connection: &Connection,
    site: &Site,
    each: impl FnMut(&StoredEntry),
) -> Result<(u64, Hash), StoreError> {
    let marked = mark::read(site)?;
    if !was_closed_cleanly(connection) {
        quick_check(connection, &site.path)?;
    }
    read_journal(connection, &site.path, marked, each)
}

/// The same without the look at the pages; `marked` was read before the transaction began.
pub(super) fn read_journal(
    connection: &Connection,
    path: &Path,
    marked: Option<Marked>,
    mut each: impl FnMut(&StoredEntry),
) -> Result<(u64, Hash), StoreError> {
    let damaged = |what: String| StoreError::Damaged { path: path.to_owned(), what };
    let unreadable = |error| unreadable(path, error);
    let sql = "SELECT seq, at_us, cause, kind, version, payload, hash FROM journal ORDER BY seq";
    let mut statement = connection.prepare(sql).map_err(unreadable)?;
    let mut rows = statement.query([]).map_err(unreadable)?;
    let (mut count, mut end) = (0_u64, GENESIS);
    while let Some(row) = rows.next().map_err(unreadable)? {
        let row = TextRow::read(row).map_err(unreadable)?;
        let entry = check(&row, count.saturating_add(1), &end).map_err(damaged)?;
        if marked.is_some_and(|marked| marked.seq == row.seq && marked.hash != row.hash) {
            return Err(damaged(format!(
                "entry {} is not the one that was acknowledged under this number",
                row.seq
            )));
        }
        each(&entry);
        (count, end) = (row.seq, row.hash);
    }
    let head = head(connection).map_err(unreadable)?;
    check_end(head, count, &end, marked).map_err(damaged)?;
    Ok((count, end))
}

/// A disk that cannot be read now is not damage: nothing is to be restored, the start is to be tried again.
fn unreadable(path: &Path, source: rusqlite::Error) -> StoreError {
    if matches!(outlook(&source), Outlook::Never) {
        return StoreError::Damaged {
            path: path.to_owned(),
            what: format!("the journal cannot be read: {source}"),
        };
    }
    StoreError::Sqlite { doing: format!("read {}", path.display()), source }
}

/// Compares the last row with what the database and the mark beside it remember of the end.
fn check_end(
    head: Option<(u64, Hash)>,
    count: u64,
    end: &Hash,
    marked: Option<Marked>,
) -> Result<(), String> {
    if let Some(head) = head
        && head != (count, *end)
    {
        return Err(format!("the journal ends with entry {count}, its head says {}", head.0));
    }
    if let Some(lost) = marked.map(|marked| marked.seq).filter(|seq| *seq > count) {
        return Err(format!(
            "entries {} to {lost} were acknowledged and are gone: the file was cut, rolled back or lost its \
             write-ahead log",
            count.saturating_add(1)
        ));
    }
    Ok(())
}

/// Returns the head; `None` when nothing was written yet, or in a schema that has none.
fn head(connection: &Connection) -> rusqlite::Result<Option<(u64, Hash)>> {
    let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if version < 2 {
        return Ok(None);
    }
    let entries: i64 =
        connection.query_row("SELECT count(*) FROM (SELECT 1 FROM journal LIMIT 1)", [], |row| row.get(0))?;
    let sql = "SELECT seq, hash FROM journal_head";
    let head = connection.query_row(sql, [], |row| {
        let seq: i64 = row.get(0)?;
        Ok((u64::try_from(seq).unwrap_or(0), row.get(1)?))
    });
    // A journal with entries and no head had its head removed.
    Ok(head.optional()?.or_else(|| (entries > 0).then_some((0, GENESIS))))
}

fn was_closed_cleanly(connection: &Connection) -> bool {
    let sql = "SELECT value FROM meta WHERE key = 'clean'";
    let clean: rusqlite::Result<Option<String>> = connection.query_row(sql, [], |row| row.get(0)).optional();
    matches!(clean.as_ref().map(Option::as_deref), Ok(None | Some("1")))
}

fn quick_check(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    let damaged = |what: String| StoreError::Damaged { path: path.to_owned(), what };
    let first: rusqlite::Result<String> = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0));
    match first {
        Ok(line) if line == "ok" => Ok(()),
        Ok(line) => match disk_error(&line) {
            Some(source) => Err(unreadable(path, source)),
            None => Err(damaged(line)),
        },
        Err(error) => Err(unreadable(path, error)),
    }
}

/// The check tells an error of the disk in its words, as if it were damage.
fn disk_error(line: &str) -> Option<rusqlite::Error> {
    let (_, code) = line.split_once("error code=")?;
    let digits: String = code.chars().take_while(char::is_ascii_digit).collect();
    let error = rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(digits.parse().ok()?), None);
    (outlook(&error) != Outlook::Never).then_some(error)
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

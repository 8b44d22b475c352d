//! Whatever is done to the file, it is seen: altered, removed, cut at the end, rolled back, gone.

use rusqlite::Connection;
use tempfile::TempDir;

use super::{ledger, read, tamper};
use crate::store::disk::Site;
use crate::store::{StoreError, verify};

#[test]
fn any_change_to_the_journal_is_seen() {
    let changes = [
        ("UPDATE journal SET payload = replace(payload, 'reason 7', 'reason 8') WHERE seq = 7", "entry 7"),
        ("UPDATE journal SET at_us = at_us + 1 WHERE seq = 3", "entry 3"),
        ("DELETE FROM journal WHERE seq = 5", "entry 5 is missing"),
        ("UPDATE journal SET version = 99 WHERE seq = 2", "entry 2"),
        ("UPDATE journal SET kind = 'balance_read' WHERE seq = 9", "entry 9"),
    ];
    for (sql, what) in changes {
        let directory = TempDir::new().unwrap();
        let path = ledger(directory.path(), 10);
        tamper(&path, sql);
        let error = read(&path).unwrap_err().to_string();
        assert!(error.contains(what) && error.contains("outrigger restore"), "{sql}: {error}");
        assert!(!verify(&path).unwrap().is_sound(), "{sql}");
    }
}

#[test]
fn a_file_that_is_cut_or_overwritten_is_damaged_not_fresh() {
    for damage in [0_usize, 1] {
        let directory = TempDir::new().unwrap();
        let path = ledger(directory.path(), 500);
        let mut bytes = std::fs::read(&path).unwrap();
        let half = bytes.len() / 2;
        match damage {
            0 => bytes.truncate(half),
            _ => bytes.iter_mut().take(200).for_each(|byte| *byte = 0x5A),
        }
        std::fs::write(&path, bytes).unwrap();
        assert!(matches!(read(&path), Err(StoreError::Damaged { .. })), "{damage}: {:?}", read(&path));
    }
}

/// Cutting the end off leaves a chain that holds: only the head and the mark know better.
#[test]
fn entries_cut_off_at_the_end_are_missed() {
    let cut = "DELETE FROM journal WHERE seq > 8;";
    let forged = "UPDATE journal_head SET seq = 8, hash = (SELECT hash FROM journal WHERE seq = 8);";
    let cases = [
        (cut.to_owned(), "the journal ends with entry 8, its head says 10"),
        (format!("{cut} DELETE FROM journal_head;"), "the journal ends with entry 8"),
        (format!("{cut} {forged}"), "entries 9 to 10 were acknowledged and are gone"),
        ("DELETE FROM journal; DELETE FROM journal_head;".to_owned(), "entries 1 to 10 were acknowledged"),
    ];
    for (sql, what) in cases {
        let directory = TempDir::new().unwrap();
        let path = ledger(directory.path(), 10);
        tamper(&path, &sql);
        let error = read(&path).unwrap_err().to_string();
        assert!(error.contains(what), "{sql}: {error}");
        assert!(!verify(&path).unwrap().is_sound(), "{sql}");
    }
}

#[test]
fn another_history_of_the_same_length_is_seen() {
    let (one, other) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let path = ledger(one.path(), 10);
    let longer = ledger(other.path(), 12);
    tamper(&longer, "UPDATE journal SET cause = 'x' WHERE seq = 10");
    std::fs::copy(super::super::mark::mark_path(&longer), super::super::mark::mark_path(&path)).unwrap();
    let error = read(&path).unwrap_err().to_string();
    assert!(error.contains("entries 11 to 12"), "{error}");
    super::super::mark::Mark::renew(&Site::of(&path), 10, &[1; 32]).unwrap();
    let error = read(&path).unwrap_err().to_string();
    assert!(error.contains("entry 10 is not the one that was acknowledged"), "{error}");
}

/// Pages that the journal does not use are looked at when the process died.
#[test]
fn a_ledger_that_was_not_closed_is_looked_at_page_by_page() {
    let directory = TempDir::new().unwrap();
    let path = ledger(directory.path(), 10);
    let sql = "SELECT rootpage, (SELECT page_size FROM pragma_page_size) FROM sqlite_schema WHERE name = 'orders_by_ticker'";
    let place = |row: &rusqlite::Row<'_>| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?));
    let (page, size) = Connection::open(&path).unwrap().query_row(sql, [], place).unwrap();
    let mut bytes = std::fs::read(&path).unwrap();
    let from = usize::try_from((page - 1) * size).unwrap();
    bytes[from..from + 64].fill(0xA5);
    std::fs::write(&path, bytes).unwrap();
    assert!(read(&path).is_ok(), "closed cleanly, and the journal itself is whole");
    Connection::open(&path).unwrap().execute("UPDATE meta SET value = '0' WHERE key = 'clean'", []).unwrap();
    assert!(matches!(read(&path), Err(StoreError::Damaged { .. })));
    assert!(!verify(&path).unwrap().is_sound());
}

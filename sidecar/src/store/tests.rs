//! Real files in temporary directories: what is appended comes back, and any change to it is seen.

mod corruption;
mod damage;
mod disk;
mod faults;
mod power;
mod schema;
mod steps;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::sync::{Arc, atomic::Ordering::Relaxed};
use std::time::Duration;

use outrigger_engine::domain::WallTime;
use outrigger_engine::journal::{Entry, HaltMode, Journal as _, JournalBatch, JournalReport, StoredEntry};
use rusqlite::Connection;
use tempfile::TempDir;

use super::{
    DataDirectory, LedgerStats, LedgerWriter, Scope, StoreError, Tokens, VerifiedLedger, backup, open_ledger,
    restore, verify,
};

fn entry(seq: u64) -> StoredEntry {
    let entry = Entry::HaltSet { mode: HaltMode::Halted, reason: format!("reason {seq}") };
    StoredEntry { seq, at: WallTime(1_000 + seq as i64), cause: "test".into(), entry }
}

/// A ledger with `entries` entries, closed cleanly.
fn ledger(directory: &Path, entries: u64) -> PathBuf {
    let path = directory.join("ledger.sqlite");
    let verified = VerifiedLedger::open(&path, "sim", |_| ()).unwrap();
    let stats = Arc::new(LedgerStats::default());
    let (report, reports) = mpsc::channel();
    let report = Box::new(move |r| report.send(r).unwrap());
    let writer = LedgerWriter::start(verified, Arc::clone(&stats), report).unwrap();
    let journal = writer.journal();
    for seq in 1..=entries {
        journal.submit(JournalBatch { entries: vec![entry(seq)], orders: vec![] }).unwrap();
    }
    let mut durable = 0;
    while durable < entries {
        match reports.recv_timeout(Duration::from_secs(10)).unwrap() {
            JournalReport::Committed { up_to } => durable = up_to,
            other => panic!("{other:?}"),
        }
    }
    writer.stop();
    assert_eq!(stats.entries.load(Relaxed), entries);
    path
}

fn read(path: &Path) -> Result<Vec<StoredEntry>, StoreError> {
    let mut entries = Vec::new();
    let ledger = VerifiedLedger::open(path, "sim", |entry| entries.push(entry.clone()))?;
    assert_eq!(ledger.entries(), entries.len() as u64);
    Ok(entries)
}

/// Changes the file behind the journal's back.
fn tamper(path: &Path, sql: &str) {
    let connection = Connection::open(path).unwrap();
    connection
        .execute_batch(
            "DROP TRIGGER journal_is_append_only_update; DROP TRIGGER journal_is_append_only_delete;",
        )
        .unwrap();
    connection.execute_batch(sql).unwrap();
}

#[test]
fn what_was_appended_comes_back() {
    let directory = TempDir::new().unwrap();
    let path = ledger(directory.path(), 50);
    assert_eq!(read(&path).unwrap(), (1..=50).map(entry).collect::<Vec<_>>());
    assert!(verify(&path).unwrap().is_sound());
}

#[test]
fn the_journal_takes_no_update() {
    let directory = TempDir::new().unwrap();
    let path = ledger(directory.path(), 3);
    let connection = Connection::open(&path).unwrap();
    assert!(connection.execute("UPDATE journal SET cause = 'x'", []).is_err());
    assert!(connection.execute("DELETE FROM journal", []).is_err());
}

#[test]
fn newer_foreign_and_other_ledgers_are_refused_untouched() {
    let directory = TempDir::new().unwrap();
    let path = ledger(directory.path(), 1);
    assert!(matches!(open_ledger(&path, "live"), Err(StoreError::OtherEnvironment { .. })));
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
    assert!(matches!(open_ledger(&path, "sim"), Err(StoreError::NewerSchema { found: 99, .. })));
    let foreign = directory.path().join("foreign.sqlite");
    Connection::open(&foreign).unwrap().execute_batch("CREATE TABLE theirs (x)").unwrap();
    let (ours, theirs) = (std::fs::read(&path).unwrap(), std::fs::read(&foreign).unwrap());
    assert!(matches!(open_ledger(&foreign, "sim"), Err(StoreError::Foreign { .. })));
    assert!(open_ledger(&path, "sim").is_err());
    assert!(std::fs::read(&path).unwrap() == ours && std::fs::read(&foreign).unwrap() == theirs, "untouched");
}

#[test]
fn one_process_per_directory() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("data");
    let held = DataDirectory::lock(&path).unwrap();
    let Err(StoreError::Locked { pid, .. }) = DataDirectory::lock(&path) else { panic!("locked twice") };
    assert_eq!(pid, std::process::id().to_string());
    drop(held);
    DataDirectory::lock(&path).unwrap();
}

#[test]
fn a_backup_restores_and_the_ledger_before_is_kept() {
    let directory = TempDir::new().unwrap();
    let data = DataDirectory::lock(&directory.path().join("data")).unwrap();
    let path = ledger(data.path(), 20);
    let copy = directory.path().join("backup.sqlite");
    backup(&path, &copy).unwrap();
    assert!(matches!(backup(&path, &copy), Err(StoreError::Exists { .. })));
    tamper(&path, "DELETE FROM journal WHERE seq > 3");
    assert!(matches!(restore(&copy, &data, "live"), Err(StoreError::OtherEnvironment { .. })));
    let aside = restore(&copy, &data, "sim").unwrap().unwrap();
    assert_eq!(read(&path).unwrap().len(), 20);
    assert!(aside.is_file());
    tamper(&copy, "DELETE FROM journal WHERE seq = 3");
    assert!(
        matches!(restore(&copy, &data, "sim"), Err(StoreError::Damaged { .. })),
        "a damaged backup is refused"
    );
}

#[test]
fn a_token_is_stored_hashed_and_its_revocation_works_at_once() {
    let directory = TempDir::new().unwrap();
    let path = ledger(directory.path(), 1);
    let tokens = Tokens::open(&path).unwrap();
    let token = tokens.create("ui", Scope::Trade, 5).unwrap();
    assert!(tokens.create("ui", Scope::Trade, 6).is_err(), "names are used once");
    assert_eq!(tokens.check(&token).unwrap(), Some(("ui".to_owned(), Scope::Trade)));
    assert_eq!(tokens.check("no such token").unwrap(), None);
    assert!(!std::fs::read(&path).unwrap().windows(token.len()).any(|window| window == token.as_bytes()));
    assert!(Tokens::open(&path).unwrap().revoke("ui", 7).unwrap());
    assert_eq!(tokens.check(&token).unwrap(), None);
}

#[test]
fn a_restore_keeps_revoked_tokens_revoked() {
    let directory = TempDir::new().unwrap();
    let data = DataDirectory::lock(&directory.path().join("data")).unwrap();
    let path = ledger(data.path(), 3);
    let token = Tokens::open(&path).unwrap().create("ui", Scope::Admin, 5).unwrap();
    let copy = directory.path().join("backup.sqlite");
    backup(&path, &copy).unwrap();
    Tokens::open(&path).unwrap().revoke("ui", 7).unwrap();
    restore(&copy, &data, "sim").unwrap();
    assert_eq!(Tokens::open(&path).unwrap().check(&token).unwrap(), None);
}

#[test]
fn a_backup_is_one_file_and_a_restored_ledger_is_accepted_with_fewer_entries() {
    let directory = TempDir::new().unwrap();
    let data = DataDirectory::lock(&directory.path().join("data")).unwrap();
    let path = ledger(data.path(), 5);
    let copy = directory.path().join("backup.sqlite");
    backup(&path, &copy).unwrap();
    let names = std::fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().file_name());
    let beside: Vec<_> = names.filter(|name| name.to_string_lossy().starts_with("backup")).collect();
    assert_eq!(beside, ["backup.sqlite"]);
    std::fs::remove_file(&path).unwrap();
    assert!(
        matches!(read(&path), Err(StoreError::Damaged { .. })),
        "a ledger that is gone is not a fresh one"
    );
    restore(&copy, &data, "sim").unwrap();
    assert_eq!(read(&path).unwrap().len(), 5);
}

#[test]
fn a_directory_of_ours_is_closed_to_others() {
    use std::os::unix::fs::PermissionsExt as _;
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("data");
    std::fs::create_dir(&path).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    let _held = DataDirectory::lock(&path).unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
}

/// A process killed while it made the ledger leaves something the next start can go on with.
#[test]
fn a_ledger_that_was_begun_is_finished_by_the_next_start() {
    let directory = TempDir::new().unwrap();
    let empty = directory.path().join("empty.sqlite");
    std::fs::write(&empty, b"").unwrap();
    assert_eq!(read(&empty).unwrap().len(), 0);
    let begun = directory.path().join("begun.sqlite");
    Connection::open(&begun).unwrap().pragma_update(None, "application_id", 0x4F55_5452).unwrap();
    assert_eq!(read(&begun).unwrap().len(), 0);
}

//! Schema changes on a ledger with a history.

use tempfile::TempDir;

use super::{ledger, read};
use crate::store::{Direction, StoreError, migrate, verify};

#[test]
fn a_filled_ledger_goes_back_and_forward_and_keeps_every_entry() {
    let directory = TempDir::new().unwrap();
    let path = ledger(directory.path(), 20);
    let before = read(&path).unwrap();
    let back = migrate(&path, Direction::Down).unwrap();
    assert_eq!((back.applied, back.known), (1, 2));
    assert!(verify(&path).unwrap().is_sound(), "an older schema is not damage");
    assert!(matches!(migrate(&path, Direction::Down), Err(StoreError::FirstSchema { .. })));
    let forward = migrate(&path, Direction::Up).unwrap();
    assert_eq!(forward.applied, 2);
    assert_eq!(read(&path).unwrap(), before);
    assert!(verify(&path).unwrap().is_sound());
}

/// Opening brings an old ledger up by itself, with its head in place.
#[test]
fn an_old_ledger_is_brought_up_when_it_is_opened() {
    let directory = TempDir::new().unwrap();
    let path = ledger(directory.path(), 20);
    migrate(&path, Direction::Down).unwrap();
    assert_eq!(read(&path).unwrap().len(), 20);
    super::tamper(&path, "DELETE FROM journal WHERE seq = 20");
    let error = read(&path).unwrap_err().to_string();
    assert!(error.contains("its head says 20"), "{error}");
}

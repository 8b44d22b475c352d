//! The writing thread: group commit, and what happens when the database refuses.

use std::path::Path;
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, atomic::Ordering::Relaxed};
use std::time::Duration;

use outrigger_engine::journal::{Entry, Journal as _, JournalBatch, JournalReport, Replay};
use rusqlite::Connection;
use tempfile::TempDir;

use super::{entry, read};
use crate::store::{LedgerStats, LedgerWriter, VerifiedLedger, verify};

#[test]
fn many_batches_share_a_commit() {
    let directory = TempDir::new().unwrap();
    let verified = VerifiedLedger::open(&directory.path().join("l.sqlite"), "sim", |_| ()).unwrap();
    let stats = Arc::new(LedgerStats::default());
    let (gate, open) = mpsc::channel::<()>();
    let (done, all) = mpsc::channel();
    // The first commit's report waits, so that the rest of the batches pile up meanwhile.
    let report = Box::new(move |r| {
        let _ = open.recv_timeout(Duration::from_secs(5));
        done.send(r).unwrap();
    });
    let writer = LedgerWriter::start(verified, Arc::clone(&stats), report).unwrap();
    for seq in 1..=100 {
        writer.journal().submit(JournalBatch { entries: vec![entry(seq)], orders: vec![] }).unwrap();
    }
    drop(gate);
    writer.stop();
    assert_eq!(all.iter().last(), Some(JournalReport::Committed { up_to: 100 }));
    assert!(stats.commits.load(Relaxed) <= 10, "{} commits", stats.commits.load(Relaxed));
}

/// A fill recorded twice: the table's key refuses it for good.
fn fill(seq: u64) -> outrigger_engine::journal::StoredEntry {
    let json = r#"{"kind":"fill_recorded","order_id":"01890a5d-ac96-774b-bcce-b302099a8057","fill":{"trade_id":"t1",
        "venue_order_id":"v1","client_order_id":null,"ticker":"A","side":"bid","price":"0.5000","count":"1.00",
        "fee":"0.010000","is_taker":true,"ts_ms":5,"post_position":null}}"#;
    outrigger_engine::journal::StoredEntry { entry: serde_json::from_str(json).unwrap(), ..entry(seq) }
}

fn started(path: &Path, gate: Receiver<()>) -> (LedgerWriter, Receiver<JournalReport>, Arc<LedgerStats>) {
    let stats = Arc::new(LedgerStats::default());
    let (done, reports) = mpsc::channel();
    let report = Box::new(move |report| {
        let _ = gate.recv_timeout(Duration::from_secs(5));
        done.send(report).unwrap();
    });
    let writer =
        LedgerWriter::start(VerifiedLedger::open(path, "sim", |_| ()).unwrap(), Arc::clone(&stats), report);
    (writer.unwrap(), reports, stats)
}

#[test]
fn what_came_before_a_refused_batch_is_kept_and_nothing_after_it() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("ledger.sqlite");
    let (gate, open) = mpsc::channel::<()>();
    let (writer, reports, stats) = started(&path, open);
    let entries = [entry(1), fill(2), entry(3), fill(4), entry(5), entry(6)];
    for entry in entries {
        writer.journal().submit(JournalBatch { entries: vec![entry], orders: vec![] }).unwrap();
    }
    drop(gate);
    writer.stop();
    let reports: Vec<_> = reports.iter().collect();
    let durable = reports.iter().filter_map(|report| match report {
        JournalReport::Committed { up_to } => Some(*up_to),
        JournalReport::Failed { .. } => None,
    });
    assert_eq!(durable.max(), Some(3));
    assert!(
        matches!(reports.last(), Some(JournalReport::Failed { reason }) if reason.contains("UNIQUE")),
        "{reports:?}"
    );
    assert!(!stats.is_healthy.load(Relaxed));
    assert_eq!(stats.dead_letters.load(Relaxed), 3, "entries 4 to 6 are where a person finds them");
    let kept = read(&path).unwrap();
    assert_eq!(kept.len(), 3);
    assert!(verify(&path).unwrap().is_sound());
}

#[test]
fn a_lock_held_by_another_program_only_delays() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("ledger.sqlite");
    let (gate, open) = mpsc::channel::<()>();
    drop(gate);
    let (writer, reports, _) = started(&path, open);
    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    writer.journal().submit(JournalBatch { entries: vec![entry(1)], orders: vec![] }).unwrap();
    assert!(reports.recv_timeout(Duration::from_millis(100)).is_err(), "nothing is durable yet");
    other.execute_batch("ROLLBACK").unwrap();
    let report = reports.recv_timeout(Duration::from_secs(10)).unwrap();
    assert_eq!(report, JournalReport::Committed { up_to: 1 });
    assert!(writer.stop());
}

/// Every kind of entry survives the way to the file and back, and the tables say what the journal says.
#[test]
fn every_kind_of_entry_comes_back_and_the_tables_agree() {
    let entries: Vec<Entry> =
        include_str!("entries.jsonl").lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("ledger.sqlite");
    let (_, open) = mpsc::channel::<()>();
    let (writer, _reports, _) = started(&path, open);
    let mut all = Vec::new();
    for (at, body) in entries.into_iter().enumerate() {
        all.push(outrigger_engine::journal::StoredEntry { entry: body, ..entry(at as u64 + 1) });
        let mut replay = Replay::default();
        all.iter().for_each(|stored| replay.apply(stored));
        let entries = vec![all.last().unwrap().clone()];
        let orders = replay.finish().0.views_of(&entries);
        writer.journal().submit(JournalBatch { entries, orders }).unwrap();
    }
    assert!(writer.stop());
    assert_eq!(read(&path).unwrap(), all);
    let checked = verify(&path).unwrap();
    assert!(checked.is_sound(), "{:?}", checked.findings);
    let changes = [
        ("UPDATE orders SET status = 'resting' WHERE status = 'executed'", "order"),
        ("UPDATE fills SET price = '0.9900'", "fill"),
        ("DELETE FROM settlements", "settlement"),
        ("DELETE FROM idempotency", "idempotency"),
    ];
    for (sql, what) in changes {
        let copy = directory.path().join(format!("{what}.sqlite"));
        std::fs::copy(&path, &copy).unwrap();
        assert!(
            Connection::open(&copy).unwrap().execute(sql, []).unwrap() > 0,
            "{sql} finds nothing to change"
        );
        let told = verify(&copy).unwrap().findings;
        assert!(told.iter().any(|finding| finding.what.contains(what)), "{sql}: {told:?}");
    }
}

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
    let commits = stats.commit_us.read();
    let commits = commits.buckets.iter().map(|(_, count)| count).sum::<u64>() + commits.beyond;
    assert!((1..=10).contains(&commits), "{commits} commits");
    assert_eq!(stats.commit_entries.read().sum, 100);
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

/// What a table refuses is kept aside; the journal has it, and what comes after it is taken.
#[test]
fn a_row_that_a_table_refuses_is_a_dead_letter_and_the_line_goes_on() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("ledger.sqlite");
    let (gate, open) = mpsc::channel::<()>();
    let (writer, reports, stats) = started(&path, open);
    let entries = [entry(1), fill(2), entry(3), fill(4), entry(5), entry(6)];
    for entry in entries.clone() {
        writer.journal().submit(JournalBatch { entries: vec![entry], orders: vec![] }).unwrap();
    }
    drop(gate);
    assert!(writer.stop());
    assert_eq!(reports.iter().last(), Some(JournalReport::Committed { up_to: 6 }));
    assert_eq!((stats.dead_letters.load(Relaxed), stats.dead_lettered.load(Relaxed)), (1, 0));
    let sql = "SELECT reason, payload FROM dead_letters";
    let text = |row: &rusqlite::Row<'_>| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?));
    let (reason, payload) = Connection::open(&path).unwrap().query_row(sql, [], text).unwrap();
    assert!(reason.contains("UNIQUE") && payload.contains("\"seq\":4"), "{reason} {payload}");
    assert_eq!(read(&path).unwrap(), entries);
    assert!(verify(&path).unwrap().is_sound());
}

/// The table lacks what it refused; `verify` counts it and does not call it damage.
#[test]
fn a_dead_letter_is_no_damage() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("ledger.sqlite");
    let (_, open) = mpsc::channel::<()>();
    let (writer, _reports, _) = started(&path, open);
    for (seq, revenue) in [(1, "10.000000"), (2, "20.000000")] {
        let settled = serde_json::json!({"kind": "settled", "row": {"ticker": "A", "result": "yes",
            "revenue": revenue, "fee": "0.000000", "settled_ms": 4000}});
        let stored = outrigger_engine::journal::StoredEntry {
            entry: serde_json::from_value(settled).unwrap(),
            ..entry(seq)
        };
        writer.journal().submit(JournalBatch { entries: vec![stored], orders: vec![] }).unwrap();
    }
    assert!(writer.stop());
    let checked = verify(&path).unwrap();
    assert_eq!((checked.findings, checked.dead_letters, checked.entries), (vec![], 1, 2));
    Connection::open(&path).unwrap().execute("DELETE FROM dead_letters", []).unwrap();
    assert!(!verify(&path).unwrap().is_sound(), "without the letter the row is wrong");
}

/// What the journal itself refuses would leave a hole in it: nothing is taken after it.
#[test]
fn an_entry_that_the_journal_refuses_stops_the_line_for_good() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("ledger.sqlite");
    let (gate, open) = mpsc::channel::<()>();
    drop(gate);
    let (writer, reports, stats) = started(&path, open);
    let next = || reports.recv_timeout(Duration::from_secs(10)).unwrap();
    let submit =
        |entry| writer.journal().submit(JournalBatch { entries: vec![entry], orders: vec![] }).unwrap();
    submit(entry(1));
    assert_eq!(next(), JournalReport::Committed { up_to: 1 });
    submit(entry(1));
    assert!(matches!(next(), JournalReport::Failed { reason } if reason.contains("UNIQUE")));
    submit(entry(2));
    writer.stop();
    assert!(!stats.is_healthy.load(Relaxed));
    assert_eq!((stats.dead_letters.load(Relaxed), stats.dead_lettered.load(Relaxed)), (2, 2));
    assert_eq!(read(&path).unwrap(), [entry(1)]);
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

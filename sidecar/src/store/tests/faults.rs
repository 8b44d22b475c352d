//! A fault at every operation of a life of the ledger: start, writing thread, commits, stop. Whatever fails, once or for ever, the end is
//! a promised one: the start refuses and says why, or trading is stopped and goes on by itself once the disk does.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use outrigger_engine::journal::{Journal as _, JournalBatch, JournalReport, StoredEntry};
use outrigger_faultdisk::{Fault, How, Image, Kind, Random};

use super::disk::{Trial, next_batch};
use crate::store::reserve::Reserve;
use crate::store::verify::verify_at;
use crate::store::{LedgerStats, LedgerWriter, StoreError};

const BATCHES: u64 = 3;
const RESERVE_BYTES: u64 = 40_000;
const RESERVE_EVERY: Duration = Duration::from_millis(20);
/// The disk is healed when the stall was reported, or after this long without a report.
const HEAL_AFTER: Duration = Duration::from_millis(250);
const WITHIN: Duration = Duration::from_secs(20);

/// How a life with a fault ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum End {
    /// The start refused and said why; the next one, on a healed disk, found everything.
    Refused,
    /// Trading was stopped, and went on without a restart once the disk was healed.
    Stalled,
    /// It was tried again without anybody noticing, or did not matter.
    Passed,
}

/// A ledger as a killed process leaves it: entries in the file and in the write-ahead log.
fn begun() -> (Image, Vec<StoredEntry>) {
    let (trial, mut entries, mut random) = (Trial::new(), Vec::new(), Random::new(11));
    let mut committer = crate::store::committer::Committer::new(trial.boot().unwrap().0).unwrap();
    for at in 0..4 {
        committer.commit(std::iter::once(&next_batch(&mut entries, &mut random))).unwrap();
        if at == 1 {
            committer.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
        }
    }
    let image = trial.0.image();
    drop(committer);
    (image, entries)
}

/// One life: starts, writes, heals the disk when trouble shows, stops.
fn live(trial: &Trial, entries: &mut Vec<StoredEntry>) -> Result<End, StoreError> {
    let (ledger, found) = trial.boot()?;
    assert_eq!(&found, entries);
    let (sender, reports) = mpsc::channel();
    let report = Box::new(move |report| sender.send(report).unwrap());
    let reserve = Reserve::of(&trial.site(), RESERVE_BYTES, RESERVE_EVERY);
    let writer = LedgerWriter::start_with(ledger, reserve, Arc::new(LedgerStats::default()), report)?;
    let mut random = Random::new(3);
    let mut stalled = false;
    for _ in 0..BATCHES {
        let batch = next_batch(entries, &mut random);
        stalled |= submit(trial, &writer, &reports, batch);
    }
    trial.0.limit(None);
    assert!(writer.stop(), "everything was written");
    Ok(if stalled { End::Stalled } else { End::Passed })
}

/// Returns whether the ledger stalled before it took the batch.
fn submit(
    trial: &Trial,
    writer: &LedgerWriter,
    reports: &Receiver<JournalReport>,
    batch: JournalBatch,
) -> bool {
    let last = batch.entries.last().unwrap().seq;
    writer.journal().submit(batch).unwrap();
    let (begun, mut stalled, mut open, mut healed) = (Instant::now(), false, true, false);
    let mut durable = 0;
    while durable < last || !open {
        assert!(
            begun.elapsed() < WITHIN,
            "neither taken nor opened: durable {durable} of {last}, open {open}"
        );
        match reports.recv_timeout(Duration::from_millis(20)) {
            Ok(JournalReport::Committed { up_to }) => durable = up_to,
            Ok(JournalReport::Stalled { .. }) => (stalled, open) = (true, false),
            Ok(JournalReport::Resumed) => open = true,
            Ok(JournalReport::Failed { reason }) => panic!("a fault of the disk is not the end: {reason}"),
            Err(_) => {}
        }
        if !healed && (!open || begun.elapsed() > HEAL_AFTER) {
            trial.0.inject(None);
            trial.0.limit(None);
            healed = true;
        }
    }
    stalled
}

/// Lives one life with what `plan` does to the disk, and checks that a start afterwards finds everything.
fn try_out(trial: &Trial, begun: &(Image, Vec<StoredEntry>), plan: impl Fn(&Trial)) -> End {
    let mut entries = begun.1.clone();
    trial.0.load(&begun.0);
    plan(trial);
    let ended = live(trial, &mut entries);
    trial.0.inject(None);
    trial.0.limit(None);
    let end = match ended {
        Ok(end) => end,
        Err(error) => {
            assert!(
                !matches!(error, StoreError::Damaged { .. } | StoreError::Foreign { .. }),
                "not true: {error}"
            );
            End::Refused
        }
    };
    // As after a crash: nothing in memory is left.
    trial.0.load(&trial.0.image());
    let (_, found) = trial.boot().unwrap();
    assert_eq!(found, entries, "{end:?}");
    let checked = verify_at(&trial.site()).unwrap();
    assert!(checked.is_sound(), "{:?}", checked.findings);
    end
}

#[test]
fn a_fault_at_any_operation_ends_as_promised() {
    let (trial, begun) = (Trial::new(), begun());
    assert_eq!(try_out(&trial, &begun, |trial| trial.0.inject(None)), End::Passed);
    let mut table: BTreeMap<(Kind, String), BTreeMap<End, u64>> = BTreeMap::new();
    let mut points = 0;
    for (how, lasting) in
        [How::Io, How::Full, How::Busy].into_iter().flat_map(|how| [(how, false), (how, true)])
    {
        for at in 1.. {
            let Some(kind) = kind_at(&trial, &begun, at) else { break };
            let fits = match how {
                How::Io => true,
                How::Full => kind == Kind::Write,
                How::Busy => matches!(kind, Kind::Lock | Kind::LockMemory),
            };
            if fits {
                let end = try_out(&trial, &begun, |trial| trial.0.inject(Some(Fault { at, how, lasting })));
                let row = format!("{how:?} {}", if lasting { "for ever" } else { "once" });
                *table.entry((kind, row)).or_default().entry(end).or_default() += 1;
                points += 1;
            }
        }
    }
    for ((kind, row), ends) in &table {
        println!("{kind:?} {row}: {ends:?}");
    }
    println!("{points} faults, every one ended as promised");
    assert!(points > 300, "only {points} operations were tried");
}

/// Returns the kind of the operation at this place of a life without faults.
fn kind_at(trial: &Trial, begun: &(Image, Vec<StoredEntry>), at: u64) -> Option<Kind> {
    thread_local! {
        static KINDS: std::cell::RefCell<Vec<Kind>> = const { std::cell::RefCell::new(Vec::new()) };
    }
    KINDS.with_borrow_mut(|kinds| {
        if kinds.is_empty() {
            trial.0.load(&begun.0);
            trial.0.inject(None);
            live(trial, &mut begun.1.clone()).unwrap();
            *kinds = trial.0.operations().0;
        }
        kinds.get(usize::try_from(at).unwrap() - 1).copied()
    })
}

/// The disk becomes full at every length the files come through, and a little before each.
#[test]
fn a_disk_that_becomes_full_at_any_write_stops_orders_and_still_records() {
    let (trial, begun) = (Trial::new(), begun());
    trial.0.load(&begun.0);
    let least = trial.0.bytes();
    live(&trial, &mut begun.1.clone()).unwrap();
    let most = least + RESERVE_BYTES + 200_000;
    let mut ends: BTreeMap<End, u64> = BTreeMap::new();
    for limit in (least..most).step_by(1_030) {
        let end = try_out(&trial, &begun, |trial| trial.0.limit(Some(limit)));
        *ends.entry(end).or_default() += 1;
    }
    println!("full at every 1030 bytes from {least} to {most}: {ends:?}");
    assert!(ends.contains_key(&End::Stalled) && ends.contains_key(&End::Passed), "{ends:?}");
}

/// On a full disk the reserve makes room: what happens is recorded while trading is stopped, and it opens again by itself.
#[test]
fn the_reserve_lets_cancels_be_recorded_on_a_full_disk() {
    let (trial, mut entries, mut random) = (Trial::new(), Vec::new(), Random::new(2));
    let (sender, reports) = mpsc::channel();
    let report = Box::new(move |report| sender.send(report).unwrap());
    let reserve = Reserve::of(&trial.site(), 200_000, RESERVE_EVERY);
    let stats = Arc::new(LedgerStats::default());
    let writer =
        LedgerWriter::start_with(trial.boot().unwrap().0, reserve, Arc::clone(&stats), report).unwrap();
    trial.0.limit(Some(trial.0.bytes()));
    let next = || reports.recv_timeout(WITHIN).unwrap();
    writer.journal().submit(next_batch(&mut entries, &mut random)).unwrap();
    assert!(matches!(next(), JournalReport::Stalled { reason } if reason.contains("full")));
    assert_eq!(next(), JournalReport::Committed { up_to: entries.len() as u64 });
    for _ in 0..3 {
        writer.journal().submit(next_batch(&mut entries, &mut random)).unwrap();
        assert_eq!(
            next(),
            JournalReport::Committed { up_to: entries.len() as u64 },
            "still full, and recorded"
        );
    }
    assert!(!stats.is_healthy.load(std::sync::atomic::Ordering::Relaxed), "orders stay stopped");
    trial.0.limit(None);
    assert_eq!(next(), JournalReport::Resumed);
    assert!(stats.is_healthy.load(std::sync::atomic::Ordering::Relaxed));
    assert!(writer.stop());
    assert_eq!(trial.boot().unwrap().1, entries);
}

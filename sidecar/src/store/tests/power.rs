//! Power cuts: the real store on a disk that forgets what was not synced, cut at any operation. Nothing that was acknowledged may be
//! missing or altered, and the next start must be clean. Controls show that the test sees what it is there for.

use std::collections::BTreeMap;

use outrigger_engine::journal::StoredEntry;
use outrigger_faultdisk::{Fault, How, Image, Log, Platter, Random};
use rusqlite::Connection;

use super::disk::{LEDGER, MARK, Trial, WAL, how_many, next_batch};
use crate::store::committer::Committer;
use crate::store::verify::verify_at;

/// Images tried for each cut.
const IMAGES: usize = 4;
/// Cuts of one run of the workload.
const CUTS_PER_RUN: u64 = 50;

/// Seeds that found something: 1002, a mark half written by a write that failed.
const SEEDS_BEFORE: [u64; 1] = [1002];

/// What is wrong with the disk or the store in a control.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flaw {
    None,
    /// `synchronous=OFF`: SQLite asks for no sync.
    NoSync,
    /// The disk says it synced and did not.
    LyingDisk,
    /// The entries are acknowledged before their commit.
    EarlyReport,
    /// The mark is written before the commit it speaks of.
    EarlyMark,
}

/// A recorded run: what happened to the disk, and all entries in order.
struct Run {
    log: Log,
    entries: Vec<StoredEntry>,
}

/// Runs the store from an empty disk through several lives, some of them with a sync that fails.
fn run(seed: u64, flaw: Flaw) -> Run {
    let mut random = Random::new(seed);
    let trial = Trial::new();
    let disk = &trial.0;
    disk.lie(flaw == Flaw::LyingDisk);
    disk.record();
    let mut entries = Vec::new();
    for _ in 0..=random.below(3) {
        let (ledger, found) = trial.boot().unwrap();
        assert_eq!(found, entries, "seed {seed}");
        let mut committer = Committer::new(ledger).unwrap();
        prepare(&committer.connection, flaw, &mut random);
        for _ in 0..random.below(30) {
            let batches: Vec<_> =
                (0..=random.below(3)).map(|_| next_batch(&mut entries, &mut random)).collect();
            if flaw == Flaw::EarlyReport {
                disk.note(entries.len() as u64);
            }
            if flaw == Flaw::EarlyMark {
                committer.forge_mark(entries.len() as u64);
            }
            if random.happens(10) {
                disk.inject(Some(Fault { at: 1 + random.below(12), how: How::Io, lasting: false }));
            }
            while committer.commit(batches.iter()).is_err() {
                disk.inject(None);
            }
            disk.inject(None);
            disk.note(entries.len() as u64);
        }
        if random.happens(60) {
            committer.close(true);
        }
    }
    Run { log: disk.take_log(), entries }
}

fn prepare(connection: &Connection, flaw: Flaw, random: &mut Random) {
    // Folded in often, so that a short run sees what a long life sees.
    let every = [4, 15, 60].get(random.index(3)).copied().unwrap_or(4);
    connection.pragma_update(None, "wal_autocheckpoint", every).unwrap();
    if flaw == Flaw::NoSync {
        connection.pragma_update(None, "synchronous", "OFF").unwrap();
    }
}

/// Starts from `image` and says what is wrong, if anything is.
fn judge(trial: &Trial, image: &Image, promised: u64, entries: &[StoredEntry]) -> Result<(), String> {
    trial.0.load(image);
    let (ledger, found) = trial.boot().map_err(|error| format!("the start refuses: {error}"))?;
    if (found.len() as u64) < promised {
        return Err(format!("{} entries, {promised} were acknowledged", found.len()));
    }
    if entries.get(..found.len()) != Some(&found[..]) {
        return Err("entries are not those that were written".to_owned());
    }
    let checked = verify_at(&trial.site()).map_err(|error| error.to_string())?;
    if let Some(finding) = checked.findings.first() {
        return Err(format!("verify: {}", finding.what));
    }
    // It can be lived with: the next entry is taken and found.
    let mut committer = Committer::new(ledger).map_err(|error| error.to_string())?;
    let mut more = found.clone();
    let batch = next_batch(&mut more, &mut Random::new(promised));
    committer.commit(std::iter::once(&batch)).map_err(|error| error.to_string())?;
    drop(committer);
    let (_, again) = trial.boot().map_err(|error| format!("the start after refuses: {error}"))?;
    if again == more { Ok(()) } else { Err("the entry after the cut is not there".to_owned()) }
}

/// Cuts a run at random moments and returns what was wrong, with the number of images tried.
fn cut(seed: u64, flaw: Flaw, cuts: u64) -> (Vec<String>, u64) {
    let run = run(seed, flaw);
    let mut random = Random::new(seed ^ 0xC07);
    let mut moments: Vec<usize> = (0..cuts).map(|_| random.index(run.log.len() + 1)).collect();
    moments.sort_unstable();
    let trial = Trial::new();
    let (mut platter, mut wrong, mut images) = (Platter::new(&run.log), Vec::new(), 0);
    for moment in moments {
        platter.play(moment);
        for image in 0..IMAGES {
            images += 1;
            let left = platter.left_by_a_cut(&mut random);
            if let Err(what) = judge(&trial, &left, platter.promised(), &run.entries) {
                wrong.push(format!(
                    "seed {seed}, cut at {moment} of {}, image {image}: {what}",
                    run.log.len()
                ));
                break;
            }
        }
    }
    (wrong, images)
}

#[test]
fn a_power_cut_loses_nothing_that_was_acknowledged() {
    let (all, first) = (how_many("OUTRIGGER_POWER_CUTS", 500), how_many("OUTRIGGER_SEED", 1));
    let (mut done, mut images) = (0, 0);
    for seed in SEEDS_BEFORE.into_iter().chain(first..) {
        let cuts = CUTS_PER_RUN.min(all - done);
        if cuts == 0 {
            break;
        }
        let (wrong, tried) = cut(seed, Flaw::None, cuts);
        assert_eq!(wrong, Vec::<String>::new());
        (done, images) = (done + cuts, images + tried);
    }
    println!("{done} power cuts, {images} images: nothing lost, nothing altered, every start clean");
}

/// The test sees a store or a disk that does not keep the promise, within fifty cuts.
#[test]
fn a_store_that_does_not_wait_for_the_disk_is_caught() {
    let mut caught = BTreeMap::new();
    for flaw in [Flaw::NoSync, Flaw::LyingDisk, Flaw::EarlyReport, Flaw::EarlyMark] {
        let (wrong, _) = cut(7, flaw, 50);
        caught.insert(format!("{flaw:?}"), wrong.len());
        assert!(!wrong.is_empty(), "{flaw:?} was not caught within 50 cuts");
    }
    println!("caught in 50 cuts: {caught:?}");
}

/// A write-ahead log that is gone is a sound, shorter ledger: only the mark knows better.
#[test]
fn without_the_mark_a_lost_log_would_not_be_noticed() {
    let trial = Trial::new();
    let mut entries = Vec::new();
    let mut random = Random::new(5);
    let mut committer = Committer::new(trial.boot().unwrap().0).unwrap();
    committer.commit(std::iter::once(&next_batch(&mut entries, &mut random))).unwrap();
    committer.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    let folded = entries.len();
    committer.commit(std::iter::once(&next_batch(&mut entries, &mut random))).unwrap();
    let mut image = trial.0.image();
    drop(committer);
    assert!(image.files.remove(WAL).is_some_and(|log| !log.is_empty()) && image.files.contains_key(LEDGER));
    let told = judge(&trial, &image, entries.len() as u64, &entries).unwrap_err();
    assert!(told.contains("were acknowledged and are gone"), "{told}");
    image.files.remove(MARK);
    let told = judge(&trial, &image, entries.len() as u64, &entries).unwrap_err();
    assert_eq!(
        told,
        format!("{folded} entries, {} were acknowledged", entries.len()),
        "the start says nothing"
    );
}

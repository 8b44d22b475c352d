//! Everything that is done to a ledger in steps (the first start, migrations, backup, restore), cut by a power cut and struck by a
//! fault at every operation: it is done, or not done, or refused until it is done again. Never something else.

use std::collections::BTreeSet;
use std::path::PathBuf;

use outrigger_engine::journal::StoredEntry;
use outrigger_faultdisk::{Fault, How, Image, Platter, Random};

use super::disk::{Trial, next_batch};
use crate::store::backup::{backup_at, restore_at};
use crate::store::committer::Committer;
use crate::store::migrate::{Direction, migrate_at};
use crate::store::verify::verify_at;
use crate::store::{StoreError, VerifiedLedger};

const IMAGES: usize = 6;
const COPY: &str = "/data/backup.sqlite";

/// What is done in steps, from where, and what a start may find if it is cut short.
struct Steps {
    name: &'static str,
    before: Image,
    act: fn(&Trial) -> Result<(), StoreError>,
    /// Says what is wrong with what is left; `done` is whether the act had said that it is done.
    check: Check,
}

type Check = Box<dyn Fn(&Trial, bool) -> Result<(), String>>;

/// Returns a ledger with two commits in the file and two in the log, or closed in order.
fn ledger(closed: bool) -> (Image, Vec<StoredEntry>) {
    let (trial, mut entries, mut random) = (Trial::new(), Vec::new(), Random::new(21));
    let mut committer = Committer::new(trial.boot().unwrap().0).unwrap();
    for at in 0..4 {
        committer.commit(std::iter::once(&next_batch(&mut entries, &mut random))).unwrap();
        if at == 1 {
            committer.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
        }
    }
    if closed {
        committer.close(true);
        return (trial.0.image(), entries);
    }
    let image = trial.0.image();
    drop(committer);
    (image, entries)
}

/// Does `act` on `image` and returns what the disk holds afterwards.
fn after(image: &Image, act: fn(&Trial) -> Result<(), StoreError>) -> Image {
    let trial = Trial::new();
    trial.0.load(image);
    act(&trial).unwrap();
    trial.0.image()
}

/// The ledger starts with exactly `entries` and is sound.
fn starts_with(trial: &Trial, entries: &[StoredEntry]) -> Result<(), String> {
    let (_, found) = trial.boot().map_err(|error| format!("the start refuses: {error}"))?;
    if found != entries {
        return Err(format!("{} entries, not {}", found.len(), entries.len()));
    }
    let findings = verify_at(&trial.site()).map_err(|error| error.to_string())?.findings;
    findings.first().map_or(Ok(()), |finding| Err(finding.what.clone()))
}

fn first_start() -> Steps {
    let act = |trial: &Trial| Committer::new(trial.boot()?.0).map(|_| ());
    let check = |trial: &Trial, _: bool| starts_with(trial, &[]);
    Steps { name: "first start", before: Image::default(), act, check: Box::new(check) }
}

fn migration(direction: Direction) -> Steps {
    let down: fn(&Trial) -> Result<(), StoreError> =
        |trial| migrate_at(&trial.site(), Direction::Down).map(|_| ());
    let up: fn(&Trial) -> Result<(), StoreError> = |trial| trial.boot().map(|_| ());
    let (newest, entries) = ledger(false);
    let check = move |trial: &Trial, _: bool| starts_with(trial, &entries);
    let (name, before, act) = match direction {
        Direction::Up => ("migration up", after(&newest, down), up),
        Direction::Down => ("migration down", newest, down),
    };
    Steps { name, before, act, check: Box::new(check) }
}

fn back_up() -> Steps {
    let (before, entries) = ledger(false);
    let act = |trial: &Trial| backup_at(&trial.site(), &trial.at(COPY));
    let check = move |trial: &Trial, done: bool| {
        let copy = trial.at(COPY);
        if copy.exists() {
            let mut found = Vec::new();
            let copied = VerifiedLedger::open_at(copy, "sim", |entry| found.push(entry.clone()));
            copied.map_err(|error| format!("the copy: {error}"))?;
            if found != entries {
                return Err(format!("a copy of {} entries", found.len()));
            }
        } else if done {
            return Err("the copy was said to be there and is not".to_owned());
        }
        starts_with(trial, &entries)
    };
    Steps { name: "backup", before, act, check: Box::new(check) }
}

/// An older backup is put back over a ledger that has gone on since.
fn put_back(closed: bool) -> Steps {
    let (newer, entries) = ledger(closed);
    let act: fn(&Trial) -> Result<(), StoreError> =
        |trial| restore_at(&trial.at(COPY), &trial.site(), "sim").map(|_| ());
    let trial = Trial::new();
    let mut older = Vec::new();
    let mut committer = Committer::new(trial.boot().unwrap().0).unwrap();
    committer.commit(std::iter::once(&next_batch(&mut older, &mut Random::new(21)))).unwrap();
    backup_at(&trial.site(), &trial.at(COPY)).unwrap();
    let mut before = newer;
    before.files.insert(COPY.to_owned(), trial.0.image().files.remove(COPY).unwrap());
    drop(committer);
    assert!(entries.starts_with(&older) && entries.len() > older.len());
    let check = move |trial: &Trial, done: bool| {
        let found = match trial.boot() {
            Ok((_, found)) => found,
            Err(StoreError::Damaged { .. }) if !done => {
                act(trial).map_err(|error| format!("it cannot be done again: {error}"))?;
                return starts_with(trial, &older);
            }
            Err(error) => return Err(format!("the start refuses: {error}")),
        };
        if found == older || (!done && found == entries) {
            return starts_with(trial, &found);
        }
        Err(format!("a start with {} entries", found.len()))
    };
    let name = if closed { "restore over a closed ledger" } else { "restore over a ledger with a log" };
    Steps { name, before, act, check: Box::new(check) }
}

fn all() -> Vec<Steps> {
    let (up, down) = (migration(Direction::Up), migration(Direction::Down));
    vec![first_start(), up, down, back_up(), put_back(false), put_back(true)]
}

#[test]
fn a_power_cut_at_any_operation_leaves_it_done_or_not_done() {
    for steps in all() {
        let (trial, mut random) = (Trial::new(), Random::new(31));
        trial.0.load(&steps.before);
        trial.0.record();
        (steps.act)(&trial).unwrap();
        let log = trial.0.take_log();
        let mut platter = Platter::new(&log);
        let mut wrong = BTreeSet::new();
        for moment in 0..=log.len() {
            platter.play(moment);
            for _ in 0..IMAGES {
                trial.0.load(&platter.left_by_a_cut(&mut random));
                if let Err(what) = (steps.check)(&trial, moment == log.len()) {
                    wrong.insert(format!("{} cut at {moment} of {}: {what}", steps.name, log.len()));
                }
            }
        }
        assert_eq!(wrong, BTreeSet::new());
        println!("{}: cut at each of {} operations, {IMAGES} images each", steps.name, log.len() + 1);
    }
}

#[test]
fn a_fault_at_any_operation_leaves_it_done_or_not_done() {
    for steps in all() {
        let trial = Trial::new();
        let mut refused = 0;
        let mut at = 0;
        loop {
            at += 1;
            // Once and for ever in turn would leave half out: both, one after the other.
            let mut reached = false;
            for lasting in [false, true] {
                trial.0.load(&steps.before);
                trial.0.inject(Some(Fault { at, how: How::Io, lasting }));
                let done = (steps.act)(&trial).is_ok();
                reached |= trial.0.operations().1.is_some();
                trial.0.inject(None);
                trial.0.load(&trial.0.image());
                refused += u64::from(!done);
                let told = (steps.check)(&trial, done);
                assert_eq!(told, Ok(()), "{} with a fault at {at}, lasting {lasting}", steps.name);
            }
            if !reached {
                break;
            }
        }
        println!("{}: a fault at each of {} operations, {refused} said so", steps.name, at - 1);
        assert!(refused > 10, "{}", steps.name);
    }
}

/// What is put back is one file: nothing of the ledger before plays into it, and that one can still be opened.
#[test]
fn the_ledger_before_a_restore_is_kept_whole() {
    let steps = put_back(false);
    let trial = Trial::new();
    trial.0.load(&steps.before);
    let kept = restore_at(&trial.at(COPY), &trial.site(), "sim").unwrap();
    assert_eq!(kept, Some(PathBuf::from("/data/ledger.before-restore-1.sqlite")));
    let mut found = 0;
    VerifiedLedger::open_at(trial.at("/data/ledger.before-restore-1.sqlite"), "sim", |_| found += 1).unwrap();
    assert_eq!(found, ledger(false).1.len());
}

//! The disk itself: SQLite works on it, syncs matter, faults strike where they were planned.

use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use crate::{Fault, FaultDisk, How, Kind, Platter, Random};

fn database(disk: &FaultDisk) -> Connection {
    let connection = Connection::open_with_flags_and_vfs("/d", OpenFlags::default(), disk.vfs()).unwrap();
    connection.pragma_update(None, "journal_mode", "WAL").unwrap();
    connection.pragma_update(None, "synchronous", "FULL").unwrap();
    connection
}

fn rows(disk: &FaultDisk) -> i64 {
    database(disk).query_row("SELECT count(*) FROM t", [], |row| row.get(0)).unwrap()
}

#[test]
fn two_connections_share_a_log_and_lock_each_other_out() {
    let disk = FaultDisk::new().unwrap();
    let (one, two) = (database(&disk), database(&disk));
    two.busy_timeout(std::time::Duration::ZERO).unwrap();
    one.execute_batch("CREATE TABLE t (x); BEGIN IMMEDIATE; INSERT INTO t VALUES (1)").unwrap();
    let count =
        |of: &Connection| of.query_row("SELECT count(*) FROM t", [], |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!((count(&one), count(&two)), (1, 0), "a reader sees what was committed");
    assert!(two.execute_batch("BEGIN IMMEDIATE").is_err(), "one writes at a time");
    one.execute_batch("COMMIT").unwrap();
    assert_eq!(count(&two), 1);
    two.execute_batch("INSERT INTO t VALUES (2)").unwrap();
    assert_eq!(count(&one), 2);
}

/// What was synced is in every image, what was not is missing from some and torn in others.
#[test]
fn a_cut_spares_what_was_synced_and_nothing_else() {
    let disk = FaultDisk::new().unwrap();
    disk.record();
    let file = disk.open(Path::new("f")).unwrap();
    disk.write_at(file, &[1; 2000], 0).unwrap();
    disk.sync(file).unwrap();
    disk.sync_directory().unwrap();
    disk.write_at(file, &[2; 2000], 0).unwrap();
    disk.rename(Path::new("f"), Path::new("g")).unwrap();
    let log = disk.take_log();
    let mut platter = Platter::new(&log);
    platter.play(log.len());
    let mut random = Random::new(7);
    let (mut old, mut new, mut torn, mut renamed) = (0, 0, 0, 0);
    for _ in 0..500 {
        let image = platter.left_by_a_cut(&mut random);
        assert_eq!(image.files.len(), 1, "a rename is done or not");
        renamed += usize::from(image.files.contains_key("g"));
        let data = image.files.values().next().unwrap();
        assert_eq!(data.len(), 2000);
        for sector in data.chunks(512) {
            assert!(sector.iter().all(|byte| byte == &sector[0]), "a sector is written whole");
        }
        match (data.contains(&1), data.contains(&2)) {
            (true, false) => old += 1,
            (false, true) => new += 1,
            _ => torn += 1,
        }
    }
    assert!(
        old > 20 && new > 20 && torn > 20 && (20..480).contains(&renamed),
        "{old} {new} {torn} {renamed}"
    );
}

/// After a sync that failed, only what is written again can become safe.
#[test]
fn a_failed_sync_is_not_made_good_by_the_next() {
    let disk = FaultDisk::new().unwrap();
    let file = disk.open(Path::new("f")).unwrap();
    disk.write_at(file, &[1; 1024], 0).unwrap();
    disk.record();
    disk.write_at(file, &[2; 1024], 0).unwrap();
    disk.inject(Some(Fault { at: 1, how: How::Io, lasting: false }));
    assert!(disk.sync(file).is_err());
    disk.write_at(file, &[3; 512], 512).unwrap();
    disk.sync(file).unwrap();
    let log = disk.take_log();
    let mut platter = Platter::new(&log);
    platter.play(log.len());
    let mut random = Random::new(3);
    let firsts: Vec<u8> = (0..200).map(|_| platter.left_by_a_cut(&mut random).files["f"][0]).collect();
    assert!(firsts.contains(&1) && firsts.contains(&2), "the first half may or may not be there");
    assert!((0..200).all(|_| platter.left_by_a_cut(&mut random).files["f"][512] == 3));
}

#[test]
fn the_planned_operation_fails_once_or_from_then_on() {
    let disk = FaultDisk::new().unwrap();
    database(&disk).execute_batch("CREATE TABLE t (x)").unwrap();
    for lasting in [false, true] {
        let connection = database(&disk);
        let before = rows(&disk);
        disk.inject(None);
        connection.execute_batch("INSERT INTO t VALUES (1)").unwrap();
        let (clean, _) = disk.operations();
        let mut kinds = std::collections::BTreeSet::new();
        for at in 1..=clean.len() as u64 {
            disk.inject(Some(Fault { at, how: How::Io, lasting }));
            let _ = connection.execute_batch("INSERT INTO t VALUES (1)");
            kinds.extend(disk.operations().1);
        }
        disk.inject(None);
        assert!(kinds.contains(&Kind::Write) && kinds.contains(&Kind::Sync), "{kinds:?}");
        drop(connection);
        assert!(rows(&disk) > before);
    }
}

#[test]
fn a_full_disk_takes_as_much_as_fits() {
    let disk = FaultDisk::new().unwrap();
    let file = disk.open(Path::new("f")).unwrap();
    disk.limit(Some(10));
    disk.write_at(file, &[1; 8], 0).unwrap();
    assert_eq!(disk.write_at(file, &[1; 8], 8).unwrap_err().kind(), std::io::ErrorKind::StorageFull);
    assert_eq!(disk.bytes(), 10);
    disk.write_at(file, &[2; 10], 0).unwrap();
    disk.limit(None);
    disk.write_at(file, &[1; 8], 8).unwrap();
}

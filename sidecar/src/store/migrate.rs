//! Numbered schema changes with a way back, embedded from `migrations/`.

use std::path::Path;

use rusqlite::Connection;
use rusqlite_migration::{M, Migrations};

use super::disk::Site;
use super::error::StoreError;
use super::open::open_existing;

/// Every change of the ledger's schema, oldest first. A released one is never edited (a test pins their hashes).
pub(super) const LEDGER: &[(&str, &str)] = &[
    (
        include_str!("../../../migrations/ledger/0001_initial/up.sql"),
        include_str!("../../../migrations/ledger/0001_initial/down.sql"),
    ),
    (
        include_str!("../../../migrations/ledger/0002_journal_head/up.sql"),
        include_str!("../../../migrations/ledger/0002_journal_head/down.sql"),
    ),
];

pub(super) const TAPE: &[(&str, &str)] = &[
    (
        include_str!("../../../migrations/tape/0001_initial/up.sql"),
        include_str!("../../../migrations/tape/0001_initial/down.sql"),
    ),
    (
        include_str!("../../../migrations/tape/0002_trade_gap/up.sql"),
        include_str!("../../../migrations/tape/0002_trade_gap/down.sql"),
    ),
];

/// Where a ledger's schema stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct MigrationStatus {
    pub applied: usize,
    pub known: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    Up,
    /// One step back.
    Down,
}

fn migrations(set: &'static [(&'static str, &'static str)]) -> Migrations<'static> {
    Migrations::new(set.iter().map(|(up, down)| M::up(up).down(down)).collect())
}

/// Brings a database to the newest schema; refuses a newer one untouched.
pub(super) fn to_latest(
    connection: &mut Connection,
    set: &'static [(&'static str, &'static str)],
    path: &Path,
) -> Result<(), StoreError> {
    let found = refuse_newer(connection, set.len(), path)?;
    let doing = format!("migrate {} from schema {found} to {}", path.display(), set.len());
    migrations(set).to_latest(connection).map_err(|source| StoreError::Migration { doing, source })
}

/// Returns the schema version, if this program knows it.
pub(super) fn refuse_newer(connection: &Connection, known: usize, path: &Path) -> Result<i64, StoreError> {
    let found: i64 = connection
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .map_err(StoreError::sqlite(format!("read the schema version of {}", path.display())))?;
    if usize::try_from(found).is_ok_and(|found| found <= known) {
        Ok(found)
    } else {
        Err(StoreError::NewerSchema { path: path.to_owned(), found, known })
    }
}

/// Returns where the ledger's schema stands, changing nothing.
pub fn migration_status(connection: &Connection, path: &Path) -> Result<MigrationStatus, StoreError> {
    let found = refuse_newer(connection, LEDGER.len(), path)?;
    Ok(MigrationStatus { applied: usize::try_from(found).unwrap_or(0), known: LEDGER.len() })
}

/// Moves an existing ledger's schema to the newest, or one step back. Never back to nothing: that would be the journal's end.
pub fn migrate(path: &Path, direction: Direction) -> Result<MigrationStatus, StoreError> {
    migrate_at(&Site::of(path), direction)
}

pub(super) fn migrate_at(site: &Site, direction: Direction) -> Result<MigrationStatus, StoreError> {
    let path = site.path.as_path();
    let mut connection = open_existing(site)?;
    let status = migration_status(&connection, path)?;
    let target = match direction {
        Direction::Up => LEDGER.len(),
        Direction::Down if status.applied <= 1 => {
            return Err(StoreError::FirstSchema { path: path.to_owned() });
        }
        Direction::Down => status.applied.saturating_sub(1),
    };
    let doing = format!("migrate {} to schema {target}", path.display());
    let moved = migrations(LEDGER).to_version(&mut connection, target);
    moved.map_err(|source| StoreError::Migration { doing, source })?;
    migration_status(&connection, path)
}

#[cfg(test)]
mod tests {
    use super::{LEDGER, TAPE, migrations};

    /// A released migration never changes: a ledger that has run it would differ from one that will.
    #[test]
    fn no_migration_was_edited() {
        let pins: [(&str, &[&str]); 2] = [
            (
                "ledger",
                &[
                    "c102ca47b4420f7fb1d8682944c8d0668097e791c3aa094ad84a43df2345a244",
                    "7573c5ae71cc7552426cdf59f43ffec69112f14f9b443cb3e96dc50bb37f0b0a",
                ],
            ),
            (
                "tape",
                &[
                    "12e6d6e055a9424347adbe6192090f457c50200cee7f77cc34d52e71e60b5dcb",
                    "2850f00af65f8477676661088d02efbe14f9b4750fe69cd75dee43de2272deb1",
                ],
            ),
        ];
        for ((name, pinned), set) in pins.into_iter().zip([LEDGER, TAPE]) {
            let hash = |(up, down): &(&str, &str)| {
                let text = format!("{up}\0{down}");
                hex::encode(ring::digest::digest(&ring::digest::SHA256, text.as_bytes()))
            };
            let found: Vec<String> = set.iter().map(hash).collect();
            assert_eq!(found, pinned, "{name}: add a migration instead, and pin it");
        }
    }

    #[test]
    fn every_migration_runs_forward_and_back() {
        for set in [LEDGER, TAPE] {
            migrations(set).validate().unwrap();
            let mut connection = rusqlite::Connection::open_in_memory().unwrap();
            migrations(set).to_latest(&mut connection).unwrap();
            migrations(set).to_version(&mut connection, 0).unwrap();
            let left: i64 =
                connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).unwrap();
            assert_eq!(left, 0, "a way back leaves nothing");
        }
    }
}

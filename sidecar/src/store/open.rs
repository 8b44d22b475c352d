//! Opening the databases with the settings their promises need.

use std::path::Path;
use std::time::Duration;

use rusqlite::Connection;

use super::disk::Site;
use super::error::StoreError;
use super::migrate::{self, LEDGER, TAPE};

/// Marks a file as ours (`PRAGMA application_id`): "OUTR".
const APPLICATION_ID: i32 = 0x4F55_5452;
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Opens (or makes) the ledger of environment `env`, migrated to the newest schema.
pub fn open_ledger(path: &Path, env: &str) -> Result<Connection, StoreError> {
    open_ledger_at(&Site::of(path), env)
}

pub(super) fn open_ledger_at(site: &Site, env: &str) -> Result<Connection, StoreError> {
    refuse_unsafe_sqlite()?;
    let path = site.path.as_path();
    let mut connection = site.connect().map_err(opening(path))?;
    refuse_foreign(&connection, path)?;
    migrate::refuse_newer(&connection, LEDGER.len(), path)?;
    // Nothing was written up to here. The mark comes before the tables, or a crash in between would leave a stranger's file.
    configure(&connection, "FULL").and_then(|()| mark_as_ours(&connection)).map_err(opening(path))?;
    migrate::to_latest(&mut connection, LEDGER, path)?;
    claim(&connection, path, env)?;
    Ok(connection)
}

/// Opens an existing ledger of ours as it is, for a change of its schema.
pub(super) fn open_existing(site: &Site) -> Result<Connection, StoreError> {
    let path = site.path.as_path();
    if !site.exists() {
        return Err(StoreError::Missing { path: path.to_owned() });
    }
    let connection = site.connect().map_err(opening(path))?;
    refuse_foreign(&connection, path)?;
    configure(&connection, "FULL").map_err(opening(path))?;
    Ok(connection)
}

/// Returns the environment a ledger belongs to.
pub(super) fn environment(connection: &Connection, path: &Path) -> Result<String, StoreError> {
    let sql = "SELECT value FROM meta WHERE key = 'env'";
    connection.query_row(sql, [], |row| row.get(0)).map_err(opening(path))
}

/// Opens an existing ledger for reading only, as another process may while the sidecar runs.
pub fn open_ledger_read_only(path: &Path) -> Result<Connection, StoreError> {
    open_read_only_at(&Site::of(path))
}

pub(super) fn open_read_only_at(site: &Site) -> Result<Connection, StoreError> {
    let path = site.path.as_path();
    if !site.exists() {
        return Err(StoreError::Missing { path: path.to_owned() });
    }
    let connection = site.connect_read_only().map_err(opening(path))?;
    connection.busy_timeout(BUSY_TIMEOUT).map_err(opening(path))?;
    refuse_foreign(&connection, path)?;
    Ok(connection)
}

/// Opens (or makes) the tape. Its loss costs history, not money.
pub fn open_tape(path: &Path) -> Result<Connection, StoreError> {
    let mut connection = Connection::open(path).map_err(opening(path))?;
    configure(&connection, "NORMAL").map_err(opening(path))?;
    migrate::to_latest(&mut connection, TAPE, path)?;
    Ok(connection)
}

fn opening(path: &Path) -> impl Fn(rusqlite::Error) -> StoreError {
    let path = path.to_owned();
    move |source| match source.sqlite_error_code() {
        Some(rusqlite::ErrorCode::NotADatabase | rusqlite::ErrorCode::DatabaseCorrupt) => {
            StoreError::Damaged { path: path.clone(), what: source.to_string() }
        }
        _ => StoreError::Sqlite { doing: format!("open {}", path.display()), source },
    }
}

fn configure(connection: &Connection, synchronous: &str) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", synchronous)?;
    connection.pragma_update(None, "foreign_keys", true)
}

fn mark_as_ours(connection: &Connection) -> rusqlite::Result<()> {
    let id: i32 = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    if id == APPLICATION_ID {
        Ok(())
    } else {
        connection.pragma_update(None, "application_id", APPLICATION_ID)
    }
}

/// SQLite before 3.51.3, and 3.52.0, can corrupt a write-ahead log.
fn refuse_unsafe_sqlite() -> Result<(), StoreError> {
    let version = rusqlite::version_number();
    if version >= 3_051_003 && version != 3_052_000 {
        return Ok(());
    }
    Err(StoreError::UnsafeSqlite { version: rusqlite::version().to_owned() })
}

fn refuse_foreign(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    let (id, tables): (i32, i64) = (|| {
        let id = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
        let tables = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
        Ok((id, tables))
    })()
    .map_err(opening(path))?;
    if id == APPLICATION_ID || (id == 0 && tables == 0) {
        return Ok(());
    }
    Err(StoreError::Foreign { path: path.to_owned() })
}

/// Gives a new ledger its environment; refuses one of another environment.
fn claim(connection: &Connection, path: &Path, env: &str) -> Result<(), StoreError> {
    let found: String = (|| {
        connection.execute("INSERT OR IGNORE INTO meta (key, value) VALUES ('env', ?1)", [env])?;
        connection.query_row("SELECT value FROM meta WHERE key = 'env'", [], |row| row.get(0))
    })()
    .map_err(opening(path))?;
    if found == env {
        return Ok(());
    }
    Err(StoreError::OtherEnvironment { path: path.to_owned(), found, wanted: env.to_owned() })
}

//! What can go wrong with the store, each with what to do about it.

use std::path::PathBuf;

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("another outrigger (process {pid}) is using {directory}; stop it, or choose another --data-dir")]
    Locked { directory: PathBuf, pid: String },
    #[error(
        "cannot use data directory {directory}: {source}; check its owner and permissions, or choose another --data-dir"
    )]
    Directory { directory: PathBuf, source: std::io::Error },
    #[error(
        "SQLite {version} has a known corruption bug in its write-ahead log; 3.51.3 or later (not 3.52.0) is needed"
    )]
    UnsafeSqlite { version: String },
    #[error(
        "{path} was written by a newer outrigger (schema {found}, this one knows {known}); use that version, nothing was changed"
    )]
    NewerSchema { path: PathBuf, found: i64, known: usize },
    #[error("{path} is not an outrigger ledger; nothing was changed")]
    Foreign { path: PathBuf },
    #[error(
        "{path} belongs to environment {found}, not {wanted}; environments never share a ledger: choose another --data-dir"
    )]
    OtherEnvironment { path: PathBuf, found: String, wanted: String },
    #[error(
        "{path} is damaged: {what}. Nothing was started. Run `outrigger verify` to see all of it, then `outrigger restore FILE` with a backup; keep the damaged file"
    )]
    Damaged { path: PathBuf, what: String },
    #[error("{path} exists already; nothing was written")]
    Exists { path: PathBuf },
    #[error("{path} does not exist")]
    Missing { path: PathBuf },
    #[error(
        "{path} is at the first schema; one step further back there would be no journal. Nothing was changed"
    )]
    FirstSchema { path: PathBuf },
    #[error("{doing}")]
    Sqlite { doing: String, source: rusqlite::Error },
    #[error("{doing}")]
    Migration { doing: String, source: rusqlite_migration::Error },
    #[error("{doing}")]
    Io { doing: String, source: std::io::Error },
}

impl StoreError {
    pub(super) fn sqlite(doing: impl Into<String>) -> impl FnOnce(rusqlite::Error) -> StoreError {
        let doing = doing.into();
        move |source| StoreError::Sqlite { doing, source }
    }

    pub(super) fn io(doing: impl Into<String>) -> impl FnOnce(std::io::Error) -> StoreError {
        let doing = doing.into();
        move |source| StoreError::Io { doing, source }
    }
}

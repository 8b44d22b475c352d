//! Online backup and restore.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::Connection;
use rusqlite::backup::{Backup, StepResult};

use super::directory::DataDirectory;
use super::error::StoreError;
use super::mark::mark_path;
use super::open::{environment, open_ledger_read_only};
use super::verify::verify;

const BUSY_PAUSE: Duration = Duration::from_millis(5);

/// Copies the ledger at `from` to a new file `to` in one step, while it may be in use: readers do not hold up its writer.
/// The copy is one file without a write-ahead log, and appears under its name only when it is complete and on disk.
pub fn backup(from: &Path, to: &Path) -> Result<(), StoreError> {
    let copying = || format!("back up {} to {}", from.display(), to.display());
    if to.exists() {
        return Err(StoreError::Exists { path: to.to_owned() });
    }
    let source = open_ledger_read_only(from)?;
    let partial = PathBuf::from(format!("{}.partial", to.display()));
    let _ = fs::remove_file(&partial);
    copy_all(&source, &partial).map_err(StoreError::sqlite(copying()))?;
    fs::File::open(&partial).and_then(|file| file.sync_all()).map_err(StoreError::io(copying()))?;
    // A link refuses a name that was taken meanwhile; a rename would not.
    fs::hard_link(&partial, to).map_err(StoreError::io(copying()))?;
    fs::remove_file(&partial).map_err(StoreError::io(copying()))
}

fn copy_all(source: &Connection, to: &Path) -> rusqlite::Result<()> {
    const EVERY_PAGE: i32 = -1;
    let mut target = Connection::open(to)?;
    {
        let backup = Backup::new(source, &mut target)?;
        while backup.step(EVERY_PAGE)? != StepResult::Done {
            std::thread::sleep(BUSY_PAUSE);
        }
    }
    target.pragma_update(None, "journal_mode", "DELETE")?;
    target.close().map_err(|(_, error)| error)
}

/// Puts the backup `from` in the place of the directory's ledger. The ledger that was there is kept aside, its new name
/// returned. `directory` proves that no sidecar is using it; a backup that is damaged or of another environment is refused.
pub fn restore(from: &Path, directory: &DataDirectory, env: &str) -> Result<Option<PathBuf>, StoreError> {
    let found = environment(&open_ledger_read_only(from)?, from)?;
    if found != env {
        return Err(StoreError::OtherEnvironment { path: from.to_owned(), found, wanted: env.to_owned() });
    }
    let checked = verify(from)?;
    if let Some(finding) = checked.findings.first() {
        return Err(StoreError::Damaged { path: from.to_owned(), what: finding.what.clone() });
    }
    let ledger = directory.ledger();
    let restoring = || format!("restore {} to {}", from.display(), ledger.display());
    let staged = ledger.with_extension("sqlite.restoring");
    let _ = fs::remove_file(&staged);
    backup(from, &staged)?;
    let aside = ledger.exists().then(|| aside_name(&ledger));
    // The mark speaks of the ledger that goes; the next start writes one for the ledger that comes.
    match fs::remove_file(mark_path(&ledger)) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(StoreError::io(restoring())(error));
        }
        Ok(()) | Err(_) => {}
    }
    if let Some(aside) = &aside {
        carry_tokens(&ledger, &staged);
        for suffix in ["", "-wal", "-shm"] {
            let name = |path: &Path| PathBuf::from(format!("{}{suffix}", path.display()));
            if name(&ledger).exists() {
                fs::rename(name(&ledger), name(aside)).map_err(StoreError::io(restoring()))?;
            }
        }
    }
    fs::rename(&staged, &ledger).map_err(StoreError::io(restoring()))?;
    let synced = fs::File::open(directory.path()).and_then(|directory| directory.sync_all());
    synced.map_err(StoreError::io(restoring()))?;
    Ok(aside)
}

/// Returns the first free name `ledger.before-restore-N.sqlite`.
fn aside_name(ledger: &Path) -> PathBuf {
    let name = |n: u32| ledger.with_file_name(format!("ledger.before-restore-{n}.sqlite"));
    (1..u32::MAX).map(name).find(|path| !path.exists()).unwrap_or_else(|| name(0))
}

/// Tokens are not history: those revoked since the backup stay revoked. A ledger too damaged to tell is left at a warning.
fn carry_tokens(from: &Path, to: &Path) {
    let carry = || -> Result<(), rusqlite::Error> {
        let target = Connection::open(to)?;
        target.execute("ATTACH ?1 AS gone", [from.to_string_lossy()])?;
        target.execute_batch(
            "BEGIN; DELETE FROM main.tokens; INSERT INTO main.tokens SELECT * FROM gone.tokens; COMMIT; DETACH gone;",
        )
    };
    if let Err(error) = carry() {
        tracing::warn!(%error, "the tokens of the ledger before could not be read: revoke again what was revoked since the backup");
    }
}

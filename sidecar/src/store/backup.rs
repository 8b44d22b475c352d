//! Online backup and restore.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::Connection;
use rusqlite::backup::{Backup, StepResult};

use super::directory::DataDirectory;
use super::disk::Site;
use super::error::StoreError;
use super::mark::mark_path;
use super::open::{environment, open_read_only_at};
use super::verify::verify_at;

const BUSY_PAUSE: Duration = Duration::from_millis(5);

/// Copies the ledger at `from` to a new file `to` in one step, while it may be in use: readers do not hold up its writer.
/// The copy is one file without a write-ahead log, and appears under its name only when it is complete and on disk.
pub fn backup(from: &Path, to: &Path) -> Result<(), StoreError> {
    backup_at(&Site::of(from), &Site::of(to))
}

pub(super) fn backup_at(from: &Site, to: &Site) -> Result<(), StoreError> {
    let copying = || format!("back up {} to {}", from.path.display(), to.path.display());
    if to.exists() {
        return Err(StoreError::Exists { path: to.path.clone() });
    }
    let source = open_read_only_at(from)?;
    let partial = to.with_suffix(".partial");
    remove_database(&partial).map_err(StoreError::io(copying()))?;
    copy_all(&source, &partial).map_err(StoreError::sqlite(copying()))?;
    partial.sync().map_err(StoreError::io(copying()))?;
    // A link refuses a name that was taken meanwhile; a rename would not.
    to.disk.link(&partial.path, &to.path).map_err(StoreError::io(copying()))?;
    partial.remove().and_then(|()| to.sync_directory()).map_err(StoreError::io(copying()))
}

/// Removes what an attempt before this one left, its journal included: SQLite would play that into the new file.
fn remove_database(site: &Site) -> io::Result<()> {
    ["", "-journal", "-wal", "-shm"].iter().try_for_each(|suffix| site.with_suffix(suffix).remove())
}

fn copy_all(source: &Connection, to: &Site) -> rusqlite::Result<()> {
    const EVERY_PAGE: i32 = -1;
    let mut target = to.connect()?;
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
/// If it is cut short, the next start finds the old ledger, the new one, or refuses until it is run again.
pub fn restore(from: &Path, directory: &DataDirectory, env: &str) -> Result<Option<PathBuf>, StoreError> {
    restore_at(&Site::of(from), &Site::of(&directory.ledger()), env)
}

pub(super) fn restore_at(from: &Site, ledger: &Site, env: &str) -> Result<Option<PathBuf>, StoreError> {
    let found = environment(&open_read_only_at(from)?, &from.path)?;
    if found != env {
        return Err(StoreError::OtherEnvironment { path: from.path.clone(), found, wanted: env.to_owned() });
    }
    let checked = verify_at(from)?;
    if let Some(finding) = checked.findings.first() {
        return Err(StoreError::Damaged { path: from.path.clone(), what: finding.what.clone() });
    }
    let restoring = || format!("restore {} to {}", from.path.display(), ledger.path.display());
    let staged = ledger.at(ledger.path.with_extension("sqlite.restoring"));
    remove_database(&staged).map_err(StoreError::io(restoring()))?;
    backup_at(from, &staged)?;
    let aside = ledger.exists().then(|| ledger.at(aside_name(ledger)));
    if aside.is_some() {
        carry_tokens(ledger, &staged);
    }
    swap(ledger, &staged, aside.as_ref()).map_err(StoreError::io(restoring()))?;
    Ok(aside.map(|aside| aside.path))
}

/// The mark speaks of the ledger that goes, and goes last: until then a start that finds neither ledger, or the new one before
/// this is done, refuses. The old write-ahead log is gone for certain before the new file has its name, or SQLite would play it
/// into that.
fn swap(ledger: &Site, staged: &Site, aside: Option<&Site>) -> io::Result<()> {
    staged.sync()?;
    for suffix in ["-wal", "-shm", ""] {
        let (file, kept) = (ledger.with_suffix(suffix), aside.map(|aside| aside.with_suffix(suffix)));
        match kept {
            Some(kept) if file.exists() => file.rename(&kept)?,
            _ => file.remove()?,
        }
    }
    ledger.sync_directory()?;
    staged.rename(ledger)?;
    ledger.sync_directory()?;
    ledger.at(mark_path(&ledger.path)).remove()?;
    ledger.sync_directory()
}

/// Returns the first free name `ledger.before-restore-N.sqlite`.
fn aside_name(ledger: &Site) -> PathBuf {
    let name = |n: u32| ledger.path.with_file_name(format!("ledger.before-restore-{n}.sqlite"));
    (1..u32::MAX).map(name).find(|path| !ledger.at(path.clone()).exists()).unwrap_or_else(|| name(0))
}

/// Tokens are not history: those revoked since the backup stay revoked. A ledger too damaged to tell is left at a warning.
fn carry_tokens(from: &Site, to: &Site) {
    let carry = || -> Result<(), rusqlite::Error> {
        let target = to.connect()?;
        target.execute("ATTACH ?1 AS gone", [from.path.to_string_lossy()])?;
        target.execute_batch(
            "BEGIN; DELETE FROM main.tokens; INSERT INTO main.tokens SELECT * FROM gone.tokens; COMMIT; DETACH gone;",
        )
    };
    if let Err(error) = carry() {
        tracing::warn!(%error, "the tokens of the ledger before could not be read: revoke again what was revoked since the backup");
    }
}

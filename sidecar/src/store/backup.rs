//! Online backup and restore.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::Connection;
use rusqlite::backup::Backup;

use super::directory::DataDirectory;
use super::error::StoreError;
use super::open::{environment, open_ledger_read_only};
use super::verify::verify;

const PAGES_PER_STEP: i32 = 256;
const PAUSE: Duration = Duration::from_millis(1);

/// Copies the ledger at `from` to a new file `to`, page by page, while it may be in use.
pub fn backup(from: &Path, to: &Path) -> Result<(), StoreError> {
    if to.exists() {
        return Err(StoreError::Exists { path: to.to_owned() });
    }
    let source = open_ledger_read_only(from)?;
    let copying = || format!("back up {} to {}", from.display(), to.display());
    let mut target = Connection::open(to).map_err(StoreError::sqlite(copying()))?;
    Backup::new(&source, &mut target)
        .and_then(|backup| backup.run_to_completion(PAGES_PER_STEP, PAUSE, None))
        .map_err(StoreError::sqlite(copying()))?;
    drop(target);
    fs::File::open(to).and_then(|file| file.sync_all()).map_err(StoreError::io(copying()))
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
    if let Some(aside) = &aside {
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

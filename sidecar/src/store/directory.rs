//! The data directory: private to its owner, and one process at a time.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};

use super::error::StoreError;

pub const LEDGER_FILE: &str = "ledger.sqlite";
pub const TAPE_FILE: &str = "tape.sqlite";
const LOCK_FILE: &str = "lock";

/// A data directory this process owns until it drops the value or dies; a lock of a dead process never blocks.
#[derive(Debug)]
pub struct DataDirectory {
    path: PathBuf,
    _lock: File,
}

impl DataDirectory {
    /// Makes the directory if needed (mode 0700) and takes its lock, or names the process that holds it.
    pub fn lock(path: &Path) -> Result<DataDirectory, StoreError> {
        let unusable = |source| StoreError::Directory { directory: path.to_owned(), source };
        make_private(path).map_err(unusable)?;
        let file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path.join(LOCK_FILE));
        let mut file = file.map_err(unusable)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut pid = String::new();
                let _ = file.read_to_string(&mut pid);
                let pid = if pid.trim().is_empty() { "unknown".to_owned() } else { pid.trim().to_owned() };
                return Err(StoreError::Locked { directory: path.to_owned(), pid });
            }
            Err(TryLockError::Error(source)) => return Err(unusable(source)),
        }
        file.set_len(0).and_then(|()| file.rewind()).map_err(unusable)?;
        write!(file, "{}", std::process::id()).map_err(unusable)?;
        Ok(DataDirectory { path: path.to_owned(), _lock: file })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn ledger(&self) -> PathBuf {
        self.path.join(LEDGER_FILE)
    }

    pub fn tape(&self) -> PathBuf {
        self.path.join(TAPE_FILE)
    }
}

#[cfg(unix)]
fn make_private(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    if path.is_dir() {
        return narrow(path);
    }
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    fs::DirBuilder::new().mode(0o700).create(path)?;
    // A new directory may be lost in a power cut with all that is safe in it, until its parent is synced.
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    File::open(parent.unwrap_or(Path::new(".")))?.sync_all()
}

/// Takes others' access away from a directory that is ours or empty; what else lives in a directory is not our business.
#[cfg(unix)]
fn narrow(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let is_ours = path.join(LOCK_FILE).exists() || fs::read_dir(path)?.next().is_none();
    let open_to_others = fs::metadata(path)?.permissions().mode() & 0o077 != 0;
    if is_ours && open_to_others {
        fs::set_permissions(path, fs::Permissions::from_mode(0o700))?;
    }
    Ok(())
}

#[cfg(not(unix))]
fn make_private(path: &Path) -> std::io::Result<()> {
    fs::create_dir_all(path)
}

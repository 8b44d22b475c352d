//! Where the store's files are: this machine's file system, or in tests a disk that forgets and fails.
//!
//! SQLite reaches its files by the name of a VFS, the rest (the mark, the reserve, copies and renames) goes through here, so that
//! one disk holds all of them and their order can be tested.

use std::fmt::Debug;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::{Connection, OpenFlags};

pub(super) trait Disk: Debug + Send + Sync {
    /// The VFS to open databases with; SQLite's own if `None`.
    fn vfs(&self) -> Option<&str>;
    /// Returns a file's length; `None` if there is none of this name.
    fn len(&self, path: &Path) -> Option<u64>;
    fn read(&self, path: &Path) -> io::Result<Vec<u8>>;
    /// Opens a file for writing, made if it is missing, never cut.
    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>>;
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Gives a file a second name; a name that is taken is refused.
    fn link(&self, from: &Path, to: &Path) -> io::Result<()>;
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Makes the names in a directory safe: a file that is synced may still be lost with its name.
    fn sync_directory(&self, path: &Path) -> io::Result<()>;
}

pub(super) trait DiskFile: Debug + Send {
    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()>;
    fn set_len(&self, len: u64) -> io::Result<()>;
    fn sync(&self) -> io::Result<()>;
}

/// The file system.
#[derive(Debug, Clone, Copy)]
struct FileSystem;

impl Disk for FileSystem {
    fn vfs(&self) -> Option<&str> {
        None
    }

    fn len(&self, path: &Path) -> Option<u64> {
        fs::metadata(path).ok().filter(fs::Metadata::is_file).map(|metadata| metadata.len())
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        fs::read(path)
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let file = OpenOptions::new().write(true).create(true).truncate(false).open(path)?;
        Ok(Box::new(file))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::hard_link(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn sync_directory(&self, path: &Path) -> io::Result<()> {
        File::open(path)?.sync_all()
    }
}

impl DiskFile for File {
    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        FileExt::write_all_at(self, bytes, offset)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        File::set_len(self, len)
    }

    fn sync(&self) -> io::Result<()> {
        self.sync_all()
    }
}

/// A database file on its disk.
#[derive(Debug, Clone)]
pub(super) struct Site {
    pub(super) disk: Arc<dyn Disk>,
    pub(super) path: PathBuf,
}

impl Site {
    /// Returns the place of a file on this machine.
    pub(super) fn of(path: &Path) -> Site {
        Site { disk: Arc::new(FileSystem), path: path.to_owned() }
    }

    /// Returns another file of the same disk.
    pub(super) fn at(&self, path: PathBuf) -> Site {
        Site { disk: Arc::clone(&self.disk), path }
    }

    /// Returns the file of the same name with `suffix`, e.g. `-wal`.
    pub(super) fn with_suffix(&self, suffix: &str) -> Site {
        self.at(PathBuf::from(format!("{}{suffix}", self.path.display())))
    }

    pub(super) fn exists(&self) -> bool {
        self.disk.len(&self.path).is_some()
    }

    /// Removes the file if there is one.
    pub(super) fn remove(&self) -> io::Result<()> {
        match self.disk.remove(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    pub(super) fn rename(&self, to: &Site) -> io::Result<()> {
        self.disk.rename(&self.path, &to.path)
    }

    pub(super) fn sync(&self) -> io::Result<()> {
        self.disk.open(&self.path)?.sync()
    }

    /// Makes the names beside this file safe, and its own.
    pub(super) fn sync_directory(&self) -> io::Result<()> {
        let parent = self.path.parent().filter(|parent| !parent.as_os_str().is_empty());
        self.disk.sync_directory(parent.unwrap_or(Path::new(".")))
    }

    /// Opens the database, made if it is missing.
    pub(super) fn connect(&self) -> rusqlite::Result<Connection> {
        self.connect_with(OpenFlags::default())
    }

    pub(super) fn connect_read_only(&self) -> rusqlite::Result<Connection> {
        self.connect_with(OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)
    }

    fn connect_with(&self, flags: OpenFlags) -> rusqlite::Result<Connection> {
        match self.disk.vfs() {
            Some(vfs) => Connection::open_with_flags_and_vfs(&self.path, flags, vfs),
            None => Connection::open_with_flags(&self.path, flags),
        }
    }
}

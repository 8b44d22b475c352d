//! A disk for tests that forgets and fails: files in memory, offered to SQLite as a VFS and to other code by path.
//!
//! It records every operation, so that any moment can be turned into the images a power cut may leave (`Platter`), and it
//! fails any operation on demand (`Fault`). One flat directory. Never part of the product.

mod image;
mod io;
mod locks;
mod random;
mod state;
mod vfs;

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub use image::{Image, Log, Platter};
pub use random::Random;
pub use state::{Fault, How, Kind};

use state::{Op, State};

/// The disk and its name as a VFS. Registered when made, taken away when dropped.
#[derive(Debug)]
pub struct FaultDisk {
    registration: vfs::Registration,
}

/// What the C side and the Rust side share.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    state: Mutex<State>,
}

impl Shared {
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl FaultDisk {
    /// Makes an empty disk under a VFS name of its own; `None` if SQLite takes no more.
    pub fn new() -> Option<FaultDisk> {
        Some(FaultDisk { registration: vfs::Registration::new()? })
    }

    /// Returns the VFS name to open databases with.
    pub fn vfs(&self) -> &str {
        self.registration.name()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.registration.shared().state()
    }

    /// Replaces all files, as after a restart of the machine. Faults and the record end. Nothing may be open.
    pub fn load(&self, image: &Image) {
        self.state().load(image);
    }

    /// Returns the files as programs see them now.
    pub fn image(&self) -> Image {
        self.state().image()
    }

    /// Begins a record from the files as they are now, all of which count as safe on the disk.
    pub fn record(&self) {
        self.state().record();
    }

    /// Ends the record and returns it.
    pub fn take_log(&self) -> Log {
        self.state().take_log()
    }

    /// Notes in the record that something was promised from here on, e.g. the last entry that was acknowledged.
    pub fn note(&self, promise: u64) {
        self.state().append(Op::Note(promise));
    }

    /// Plans a fault (`None`: heals the disk) and counts operations from zero again.
    pub fn inject(&self, fault: Option<Fault>) {
        self.state().inject(fault);
    }

    /// Returns the operations asked for since `inject`, and the kind of the one that failed first.
    pub fn operations(&self) -> (Vec<Kind>, Option<Kind>) {
        self.state().operations()
    }

    /// Limits the bytes all files may hold together; beyond, writes fail as on a full disk.
    pub fn limit(&self, bytes: Option<u64>) {
        self.state().limit(bytes);
    }

    /// Returns how many bytes all files hold.
    pub fn bytes(&self) -> u64 {
        self.state().bytes()
    }

    /// Makes every sync from now on say it worked without having done anything, as a disk that lies does.
    pub fn lie(&self, lies: bool) {
        self.state().lies = lies;
    }
}

/// The same files for code that does not go through SQLite.
impl FaultDisk {
    /// Returns a file's length; `None` if there is none of this name.
    pub fn len(&self, path: &Path) -> Option<u64> {
        self.state().len(&name(path))
    }

    pub fn read(&self, path: &Path) -> std::io::Result<Vec<u8>> {
        self.state().read_all(&name(path))
    }

    /// Opens a file for writing, made if it is missing, and returns its number.
    pub fn open(&self, path: &Path) -> std::io::Result<u64> {
        Ok(self.state().open(&name(path), true)?)
    }

    pub fn write_at(&self, file: u64, bytes: &[u8], offset: u64) -> std::io::Result<()> {
        Ok(self.state().write(file, bytes, offset)?)
    }

    pub fn set_len(&self, file: u64, len: u64) -> std::io::Result<()> {
        Ok(self.state().truncate(file, len)?)
    }

    pub fn sync(&self, file: u64) -> std::io::Result<()> {
        Ok(self.state().sync(file)?)
    }

    pub fn rename(&self, from: &Path, to: &Path) -> std::io::Result<()> {
        self.state().rename(&name(from), &name(to))
    }

    /// Gives a file a second name; refused when that is taken.
    pub fn link(&self, from: &Path, to: &Path) -> std::io::Result<()> {
        self.state().link(&name(from), &name(to))
    }

    pub fn remove(&self, path: &Path) -> std::io::Result<()> {
        self.state().remove(&name(path))
    }

    pub fn sync_directory(&self) -> std::io::Result<()> {
        Ok(self.state().sync_directory()?)
    }
}

fn name(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// Bytes that are written once and read by every image.
pub(crate) type Bytes = Arc<[u8]>;

#[cfg(test)]
mod tests;

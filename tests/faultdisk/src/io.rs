//! An open file as SQLite sees it. Callbacks from C; each hands over to `State`.

use std::ffi::{c_int, c_void};

use rusqlite::ffi;

use crate::Shared;
use crate::locks::{Level, REGION_BYTES};
use crate::state::{Failed, Kind};
use crate::vfs::extended;

/// What SQLite keeps for us beside its pointer to the methods.
#[repr(C)]
pub(crate) struct OpenFile {
    base: ffi::sqlite3_file,
    shared: &'static Shared,
    file: u64,
    /// This connection, among others of the same file.
    who: u64,
    syncs_directory: bool,
    goes_on_close: Option<String>,
}

static METHODS: ffi::sqlite3_io_methods = ffi::sqlite3_io_methods {
    iVersion: 2,
    xClose: Some(close),
    xRead: Some(read),
    xWrite: Some(write),
    xTruncate: Some(truncate),
    xSync: Some(sync),
    xFileSize: Some(size),
    xLock: Some(lock),
    xUnlock: Some(unlock),
    xCheckReservedLock: Some(check_reserved),
    xFileControl: Some(control),
    xSectorSize: Some(sector_size),
    xDeviceCharacteristics: Some(characteristics),
    xShmMap: Some(map_memory),
    xShmLock: Some(lock_memory),
    xShmBarrier: Some(barrier),
    xShmUnmap: Some(unmap_memory),
    xFetch: None,
    xUnfetch: None,
};

impl OpenFile {
    pub(crate) fn new(
        shared: &'static Shared,
        file: u64,
        who: u64,
        syncs_directory: bool,
        goes_on_close: Option<String>,
    ) -> OpenFile {
        let base = ffi::sqlite3_file { pMethods: &raw const METHODS };
        OpenFile { base, shared, file, who, syncs_directory, goes_on_close }
    }
}

/// Returns SQLite's code for an operation that failed.
pub(crate) fn code(kind: Kind, failed: Failed) -> c_int {
    extended(kind, failed.0)
}

fn ended(kind: Kind, result: Result<(), Failed>) -> c_int {
    result.map_or_else(|failed| code(kind, failed), |()| ffi::SQLITE_OK)
}

/// # Safety
///
/// `file` must have been opened by our VFS and not be closed yet.
unsafe fn this<'a>(file: *mut ffi::sqlite3_file) -> &'a mut OpenFile {
    // SAFETY: our VFS has written an `OpenFile` there; SQLite uses a file from one thread at a time.
    unsafe { &mut *file.cast::<OpenFile>() }
}

unsafe extern "C" fn close(file: *mut ffi::sqlite3_file) -> c_int {
    // SAFETY: SQLite calls this once for a file our VFS opened, and never touches it again.
    let opened = unsafe { file.cast::<OpenFile>().read() };
    let mut state = opened.shared.state();
    let node = state.node(opened.file);
    node.locks.unlock(opened.who, Level::None);
    node.memory.unmap(opened.who);
    if let Some(name) = &opened.goes_on_close {
        state.forget(name);
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn read(
    file: *mut ffi::sqlite3_file,
    into: *mut c_void,
    count: c_int,
    offset: i64,
) -> c_int {
    // SAFETY: the file is open.
    let opened = unsafe { this(file) };
    let count = usize::try_from(count).unwrap_or(0);
    // SAFETY: `into` has `count` bytes, which `State::read` overwrites before any is read.
    let into = unsafe { std::slice::from_raw_parts_mut(into.cast::<u8>(), count) };
    match opened.shared.state().read(opened.file, into, u64::try_from(offset).unwrap_or(0)) {
        Ok(found) if found == count => ffi::SQLITE_OK,
        Ok(_) => ffi::SQLITE_IOERR_SHORT_READ,
        Err(failed) => code(Kind::Read, failed),
    }
}

unsafe extern "C" fn write(
    file: *mut ffi::sqlite3_file,
    from: *const c_void,
    count: c_int,
    offset: i64,
) -> c_int {
    // SAFETY: the file is open.
    let opened = unsafe { this(file) };
    // SAFETY: `from` has `count` bytes.
    let bytes = unsafe { std::slice::from_raw_parts(from.cast::<u8>(), usize::try_from(count).unwrap_or(0)) };
    let written = opened.shared.state().write(opened.file, bytes, u64::try_from(offset).unwrap_or(0));
    ended(Kind::Write, written)
}

unsafe extern "C" fn truncate(file: *mut ffi::sqlite3_file, len: i64) -> c_int {
    // SAFETY: the file is open.
    let opened = unsafe { this(file) };
    ended(Kind::Truncate, opened.shared.state().truncate(opened.file, u64::try_from(len).unwrap_or(0)))
}

unsafe extern "C" fn sync(file: *mut ffi::sqlite3_file, _flags: c_int) -> c_int {
    // SAFETY: the file is open.
    let opened = unsafe { this(file) };
    let mut state = opened.shared.state();
    let synced = state.sync(opened.file);
    if synced.is_ok() && opened.syncs_directory {
        // SQLite's own code for Unix ignores a directory that cannot be synced.
        opened.syncs_directory = state.sync_directory().is_err();
    }
    ended(Kind::Sync, synced)
}

unsafe extern "C" fn size(file: *mut ffi::sqlite3_file, out: *mut i64) -> c_int {
    // SAFETY: the file is open.
    let opened = unsafe { this(file) };
    match opened.shared.state().size(opened.file) {
        Ok(len) => {
            // SAFETY: SQLite hands over where it wants the size.
            unsafe { *out = i64::try_from(len).unwrap_or(i64::MAX) };
            ffi::SQLITE_OK
        }
        Err(failed) => code(Kind::Size, failed),
    }
}

fn level(number: c_int) -> Level {
    match number {
        ffi::SQLITE_LOCK_SHARED => Level::Shared,
        ffi::SQLITE_LOCK_RESERVED => Level::Reserved,
        ffi::SQLITE_LOCK_PENDING => Level::Pending,
        ffi::SQLITE_LOCK_EXCLUSIVE => Level::Exclusive,
        _ => Level::None,
    }
}

unsafe extern "C" fn lock(file: *mut ffi::sqlite3_file, wanted: c_int) -> c_int {
    // SAFETY: the file is open.
    let opened = unsafe { this(file) };
    let mut state = opened.shared.state();
    if let Err(failed) = state.ask(Kind::Lock) {
        return code(Kind::Lock, failed);
    }
    let granted = state.node(opened.file).locks.lock(opened.who, level(wanted));
    if granted { ffi::SQLITE_OK } else { ffi::SQLITE_BUSY }
}

unsafe extern "C" fn unlock(file: *mut ffi::sqlite3_file, to: c_int) -> c_int {
    // SAFETY: the file is open.
    let opened = unsafe { this(file) };
    opened.shared.state().node(opened.file).locks.unlock(opened.who, level(to));
    ffi::SQLITE_OK
}

unsafe extern "C" fn check_reserved(file: *mut ffi::sqlite3_file, out: *mut c_int) -> c_int {
    // SAFETY: the file is open.
    let opened = unsafe { this(file) };
    let is_reserved = opened.shared.state().node(opened.file).locks.is_reserved();
    // SAFETY: SQLite hands over where it wants the answer.
    unsafe { *out = c_int::from(is_reserved) };
    ffi::SQLITE_OK
}

unsafe extern "C" fn control(_file: *mut ffi::sqlite3_file, _op: c_int, _arg: *mut c_void) -> c_int {
    ffi::SQLITE_NOTFOUND
}

/// As SQLite's own code for Unix answers.
unsafe extern "C" fn sector_size(_file: *mut ffi::sqlite3_file) -> c_int {
    4096
}

/// As SQLite's own code for Unix answers: a torn write spoils no neighbour.
unsafe extern "C" fn characteristics(_file: *mut ffi::sqlite3_file) -> c_int {
    ffi::SQLITE_IOCAP_POWERSAFE_OVERWRITE
}

unsafe extern "C" fn map_memory(
    file: *mut ffi::sqlite3_file,
    index: c_int,
    size: c_int,
    make: c_int,
    out: *mut *mut c_void,
) -> c_int {
    // SAFETY: the file is open.
    let opened = unsafe { this(file) };
    let mut state = opened.shared.state();
    if let Err(failed) = state.ask(Kind::MapMemory) {
        return code(Kind::MapMemory, failed);
    }
    let (Ok(index), Ok(REGION_BYTES)) = (usize::try_from(index), usize::try_from(size)) else {
        return ffi::SQLITE_IOERR_SHMSIZE;
    };
    let address = state.node(opened.file).memory.map(opened.who, index, make != 0);
    // SAFETY: SQLite hands over where it wants the address.
    unsafe { *out = address };
    ffi::SQLITE_OK
}

unsafe extern "C" fn lock_memory(
    file: *mut ffi::sqlite3_file,
    first: c_int,
    count: c_int,
    flags: c_int,
) -> c_int {
    // SAFETY: the file is open.
    let opened = unsafe { this(file) };
    let mut state = opened.shared.state();
    let (first, count) = (usize::try_from(first).unwrap_or(0), usize::try_from(count).unwrap_or(0));
    if flags & ffi::SQLITE_SHM_UNLOCK != 0 {
        state.node(opened.file).memory.unlock(opened.who, first, count);
        return ffi::SQLITE_OK;
    }
    if let Err(failed) = state.ask(Kind::LockMemory) {
        return code(Kind::LockMemory, failed);
    }
    let exclusive = flags & ffi::SQLITE_SHM_EXCLUSIVE != 0;
    let granted = state.node(opened.file).memory.lock(opened.who, first, count, exclusive);
    if granted { ffi::SQLITE_OK } else { ffi::SQLITE_BUSY }
}

unsafe extern "C" fn barrier(_file: *mut ffi::sqlite3_file) {
    std::sync::atomic::fence(std::sync::atomic::Ordering::SeqCst);
}

unsafe extern "C" fn unmap_memory(file: *mut ffi::sqlite3_file, _remove: c_int) -> c_int {
    // SAFETY: the file is open.
    let opened = unsafe { this(file) };
    opened.shared.state().node(opened.file).memory.unmap(opened.who);
    ffi::SQLITE_OK
}

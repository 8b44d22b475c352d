//! The disk as SQLite sees it: opening, removing and naming files. Callbacks from C; each hands over to `State`.

use std::ffi::{CStr, CString, c_char, c_int};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use rusqlite::ffi;

use crate::Shared;
use crate::io::{OpenFile, code};
use crate::state::{How, Kind};

const PATH_MAX: c_int = 512;
static DISKS: AtomicU64 = AtomicU64::new(0);

/// A VFS in SQLite's list. What it points to is never freed: a connection may outlive the disk.
#[derive(Debug)]
pub(crate) struct Registration {
    name: String,
    shared: &'static Shared,
    vfs: *mut ffi::sqlite3_vfs,
}

// SAFETY: SQLite may call a VFS from any thread; ours keeps all its state behind a mutex, and the pointer is only used to
// take the VFS out of SQLite's list, which SQLite guards.
unsafe impl Send for Registration {}
// SAFETY: as above; no method changes what the pointer points to.
unsafe impl Sync for Registration {}

impl Registration {
    pub(crate) fn new() -> Option<Registration> {
        let name = format!("faultdisk-{}", DISKS.fetch_add(1, Relaxed));
        let shared: &'static Shared = Box::leak(Box::default());
        let vfs = ffi::sqlite3_vfs {
            iVersion: 1,
            szOsFile: c_int::try_from(size_of::<OpenFile>()).ok()?,
            mxPathname: PATH_MAX,
            pNext: std::ptr::null_mut(),
            zName: CString::new(name.clone()).ok()?.into_raw(),
            pAppData: std::ptr::from_ref(shared).cast_mut().cast(),
            xOpen: Some(open),
            xDelete: Some(delete),
            xAccess: Some(access),
            xFullPathname: Some(full_path),
            xDlOpen: None,
            xDlError: None,
            xDlSym: None,
            xDlClose: None,
            xRandomness: Some(randomness),
            xSleep: Some(sleep),
            xCurrentTime: Some(current_time),
            xGetLastError: None,
            xCurrentTimeInt64: None,
            xSetSystemCall: None,
            xGetSystemCall: None,
            xNextSystemCall: None,
        };
        let vfs = Box::into_raw(Box::new(vfs));
        // SAFETY: `vfs` is complete and lives for ever.
        let registered = unsafe { ffi::sqlite3_vfs_register(vfs, 0) };
        (registered == ffi::SQLITE_OK).then_some(Registration { name, shared, vfs })
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn shared(&self) -> &'static Shared {
        self.shared
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        // SAFETY: registered in `new`; the memory stays.
        unsafe { ffi::sqlite3_vfs_unregister(self.vfs) };
        self.shared.state().load(&crate::Image::default());
    }
}

/// # Safety
///
/// `vfs` must be one of ours.
unsafe fn shared(vfs: *mut ffi::sqlite3_vfs) -> &'static Shared {
    // SAFETY: `pAppData` of our VFS points to a leaked `Shared`.
    unsafe { &*(*vfs).pAppData.cast::<Shared>() }
}

/// # Safety
///
/// `name` must be a C string.
unsafe fn text(name: *const c_char) -> String {
    // SAFETY: promised by the caller.
    unsafe { CStr::from_ptr(name) }.to_string_lossy().into_owned()
}

unsafe extern "C" fn open(
    vfs: *mut ffi::sqlite3_vfs,
    name: ffi::sqlite3_filename,
    file: *mut ffi::sqlite3_file,
    flags: c_int,
    out_flags: *mut c_int,
) -> c_int {
    // SAFETY: SQLite hands over `szOsFile` bytes for us; without methods it does not close a file that was not opened.
    unsafe { (*file).pMethods = std::ptr::null() };
    // SAFETY: SQLite calls our VFS with itself.
    let shared = unsafe { shared(vfs) };
    let mut state = shared.state();
    let name = if name.is_null() {
        format!("temporary-{}", state.number())
    } else {
        // SAFETY: a name that is not null is a C string.
        unsafe { text(name) }
    };
    let is_new = !state.exists(&name);
    let Ok(number) = state.open(&name, flags & ffi::SQLITE_OPEN_CREATE != 0) else {
        return ffi::SQLITE_CANTOPEN;
    };
    // The first sync of a new journal syncs its directory too, as SQLite's own code for Unix does.
    let journals = ffi::SQLITE_OPEN_MAIN_JOURNAL | ffi::SQLITE_OPEN_SUPER_JOURNAL | ffi::SQLITE_OPEN_WAL;
    let syncs_directory = is_new && flags & journals != 0;
    let goes_on_close = (flags & ffi::SQLITE_OPEN_DELETEONCLOSE != 0).then(|| name.clone());
    let opened = OpenFile::new(shared, number, state.number(), syncs_directory, goes_on_close);
    drop(state);
    // SAFETY: the place has room for an `OpenFile` and holds none yet.
    unsafe { file.cast::<OpenFile>().write(opened) };
    if !out_flags.is_null() {
        // SAFETY: not null, so it points to where SQLite wants the flags.
        unsafe { *out_flags = flags };
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn delete(vfs: *mut ffi::sqlite3_vfs, name: *const c_char, sync: c_int) -> c_int {
    // SAFETY: SQLite calls our VFS with itself and a C string.
    let (shared, name) = unsafe { (shared(vfs), text(name)) };
    let mut state = shared.state();
    if let Err(failed) = state.ask(Kind::Remove) {
        return code(Kind::Remove, failed);
    }
    if !state.forget(&name) {
        return ffi::SQLITE_IOERR_DELETE_NOENT;
    }
    if sync != 0
        && let Err(failed) = state.sync_directory()
    {
        return code(Kind::SyncDirectory, failed);
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn access(
    vfs: *mut ffi::sqlite3_vfs,
    name: *const c_char,
    _flags: c_int,
    answer: *mut c_int,
) -> c_int {
    // SAFETY: SQLite calls our VFS with itself and a C string.
    let (shared, name) = unsafe { (shared(vfs), text(name)) };
    match shared.state().look(&name) {
        Ok(is_there) => {
            // SAFETY: SQLite hands over where it wants the answer.
            unsafe { *answer = c_int::from(is_there) };
            ffi::SQLITE_OK
        }
        Err(failed) => code(Kind::Look, failed),
    }
}

unsafe extern "C" fn full_path(
    _vfs: *mut ffi::sqlite3_vfs,
    name: *const c_char,
    room: c_int,
    out: *mut c_char,
) -> c_int {
    // SAFETY: SQLite hands over a C string.
    let name = unsafe { CStr::from_ptr(name) }.to_bytes_with_nul();
    if name.len() > usize::try_from(room).unwrap_or(0) {
        return ffi::SQLITE_CANTOPEN;
    }
    // SAFETY: `out` has `room` bytes, which are enough.
    unsafe { std::ptr::copy_nonoverlapping(name.as_ptr().cast(), out, name.len()) };
    ffi::SQLITE_OK
}

unsafe extern "C" fn randomness(vfs: *mut ffi::sqlite3_vfs, count: c_int, out: *mut c_char) -> c_int {
    // SAFETY: SQLite calls our VFS with itself.
    let shared = unsafe { shared(vfs) };
    let mut state = shared.state();
    for at in 0..usize::try_from(count).unwrap_or(0) {
        let [byte, ..] = state.random.word().to_le_bytes();
        // SAFETY: `out` has `count` bytes.
        unsafe { out.add(at).write(byte.cast_signed()) };
    }
    count
}

/// Sleeps a fiftieth: waits for a lock end soon, and still give way to other threads.
unsafe extern "C" fn sleep(_vfs: *mut ffi::sqlite3_vfs, micros: c_int) -> c_int {
    std::thread::sleep(Duration::from_micros(u64::try_from(micros).unwrap_or(0) / 50));
    micros
}

unsafe extern "C" fn current_time(_vfs: *mut ffi::sqlite3_vfs, out: *mut f64) -> c_int {
    // SAFETY: SQLite hands over where it wants the time; a fixed day will do.
    unsafe { *out = 2_461_000.5 };
    ffi::SQLITE_OK
}

/// How a failure of this kind reads in SQLite's codes.
pub(crate) fn extended(kind: Kind, how: How) -> c_int {
    match (kind, how) {
        (Kind::Write, How::Full) => ffi::SQLITE_FULL,
        (Kind::Lock | Kind::LockMemory, How::Busy) => ffi::SQLITE_BUSY,
        (Kind::Open, _) => ffi::SQLITE_CANTOPEN,
        (Kind::Read, _) => ffi::SQLITE_IOERR_READ,
        (Kind::Write, _) => ffi::SQLITE_IOERR_WRITE,
        (Kind::Truncate, _) => ffi::SQLITE_IOERR_TRUNCATE,
        (Kind::Sync, _) => ffi::SQLITE_IOERR_FSYNC,
        (Kind::Size, _) => ffi::SQLITE_IOERR_FSTAT,
        (Kind::Lock, _) => ffi::SQLITE_IOERR_LOCK,
        (Kind::MapMemory, _) => ffi::SQLITE_IOERR_SHMMAP,
        (Kind::LockMemory, _) => ffi::SQLITE_IOERR_SHMLOCK,
        (Kind::Remove, _) => ffi::SQLITE_IOERR_DELETE,
        (Kind::Look, _) => ffi::SQLITE_IOERR_ACCESS,
        (Kind::SyncDirectory, _) => ffi::SQLITE_IOERR_DIR_FSYNC,
        (Kind::Rename | Kind::Link, _) => ffi::SQLITE_IOERR,
    }
}

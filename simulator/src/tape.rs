//! A tape of everything the exchange says: one JSON line for each REST reply and each WebSocket frame, in the order in
//! which they were made.
//!
//! Lines: `{"rest":{"method","path","status","body"}}`, `{"socket":N,"frame":{…}}`. A body that is not JSON is null.
//! Injected faults act behind the tape: it holds what the exchange meant to say.

use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use parking_lot::Mutex;

/// A file that is written line by line. A write that fails ends the tape and is told once.
#[derive(Debug)]
pub struct Tape {
    file: Mutex<Option<BufWriter<File>>>,
    connections: AtomicU64,
    /// Nobody will flush it at its end.
    is_shared: bool,
}

/// One connection's part of a tape.
#[derive(Debug, Clone)]
pub struct Track {
    tape: Arc<Tape>,
    connection: u64,
}

impl Tape {
    pub fn create(path: &Path) -> io::Result<Tape> {
        let file = BufWriter::new(File::create(path)?);
        Ok(Tape { file: Mutex::new(Some(file)), connections: AtomicU64::new(0), is_shared: false })
    }

    /// Opens the track of a new connection.
    pub fn track(self: &Arc<Self>) -> Track {
        Track { tape: Arc::clone(self), connection: self.connections.fetch_add(1, Relaxed) + 1 }
    }

    /// Records a REST reply. `path` includes the query.
    pub fn reply(&self, method: &str, path: &str, status: u16, body: &[u8]) {
        let is_json = serde_json::from_slice::<serde::de::IgnoredAny>(body).is_ok();
        let body = if is_json { body } else { b"null" };
        let path = serde_json::Value::from(path);
        let head = format!(r#"{{"rest":{{"method":"{method}","path":{path},"status":{status},"body":"#);
        self.line(&[head.as_bytes(), body, b"}}\n"]);
    }

    /// Returns the tape that the tests of this process share, if their run wants tapes. Lives as long as the process, so
    /// each line is written at once.
    #[cfg(test)]
    pub(crate) fn of_tests() -> Option<Arc<Tape>> {
        static SHARED: std::sync::OnceLock<Option<Arc<Tape>>> = std::sync::OnceLock::new();
        let open = || {
            let path = crate::server::tape_of_environment()?;
            Some(Arc::new(Tape { is_shared: true, ..Tape::create(&path).unwrap() }))
        };
        SHARED.get_or_init(open).clone()
    }

    /// Writes what is buffered.
    pub fn flush(&self) {
        if let Some(file) = self.file.lock().as_mut() {
            let _ = file.flush();
        }
    }

    fn line(&self, parts: &[&[u8]]) {
        let mut file = self.file.lock();
        let Some(open) = file.as_mut() else { return };
        if let Some(error) = parts.iter().find_map(|part| open.write_all(part).err()) {
            tracing::error!(%error, "the tape cannot be written and ends here");
            *file = None;
        } else if self.is_shared {
            let _ = open.flush();
        }
    }
}

impl Track {
    /// Records a frame as it was encoded.
    pub fn frame(&self, payload: &[u8]) {
        let head = format!(r#"{{"socket":{},"frame":"#, self.connection);
        let payload = payload.trim_ascii_end();
        self.tape.line(&[head.as_bytes(), payload, b"}\n"]);
    }
}

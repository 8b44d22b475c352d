//! Reads a recording line by line: plain or zstd, never more of it in memory than a few batches.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read as _};
use std::path::{Path, PathBuf};

use tokio::sync::mpsc;

use super::line::{Recorded, parse_line};

/// Recordings are compressed with a window of up to 2^27 bytes.
const WINDOW_LOG_MAX: u32 = 27;
const ZSTD_MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
/// No frame of the exchange comes near this.
const LINE_BYTES_MAX: u64 = 16 * 1024 * 1024;
const BATCH_FRAMES_MAX: usize = 128;
const BATCH_BYTES_MAX: usize = 128 * 1024;
const BATCHES_WAITING_MAX: usize = 4;

/// A recording opened for reading.
pub(super) struct Lines {
    reader: Box<dyn BufRead + Send>,
    line: Vec<u8>,
    conn: u64,
}

impl Lines {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let mut plain = BufReader::new(File::open(path)?);
        let reader: Box<dyn BufRead + Send> = if plain.fill_buf()?.starts_with(&ZSTD_MAGIC) {
            let mut decoder = zstd::Decoder::with_buffer(plain)?;
            decoder.window_log_max(WINDOW_LOG_MAX)?;
            Box::new(BufReader::with_capacity(128 * 1024, decoder))
        } else {
            Box::new(plain)
        };
        Ok(Self { reader, line: Vec::new(), conn: 0 })
    }

    /// Returns the next recorded frame, none at the end.
    pub(super) fn next(&mut self) -> io::Result<Option<Recorded>> {
        loop {
            self.line.clear();
            let read = (&mut self.reader).take(LINE_BYTES_MAX).read_until(b'\n', &mut self.line)?;
            if read == 0 {
                return Ok(None);
            }
            if read as u64 == LINE_BYTES_MAX {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "a line is longer than 16 MiB"));
            }
            if let Some(recorded) = parse_line(&self.line, self.conn) {
                self.conn = recorded.conn;
                return Ok(Some(recorded));
            }
        }
    }
}

/// Starts a thread that reads the file into batches and waits while the player is behind.
///
/// `passes` says which recorded connections to read, one after another; empty means all in the order of the file.
/// The thread ends at the end of the file or when the receiver is dropped.
pub(super) fn start(path: PathBuf, passes: Vec<u64>) -> io::Result<mpsc::Receiver<Vec<Recorded>>> {
    let (batches, receiver) = mpsc::channel(BATCHES_WAITING_MAX);
    std::thread::Builder::new().name("replay-reader".to_owned()).spawn(move || {
        let passes = if passes.is_empty() { vec![None] } else { passes.into_iter().map(Some).collect() };
        for conn in passes {
            if let Err(error) = read_pass(&path, conn, &batches) {
                tracing::error!(file = %path.display(), %error, "replay stops: the recording became unreadable");
                return;
            }
        }
    })?;
    Ok(receiver)
}

fn read_pass(path: &Path, conn: Option<u64>, batches: &mpsc::Sender<Vec<Recorded>>) -> io::Result<()> {
    let mut lines = Lines::open(path)?;
    let (mut batch, mut bytes) = (Vec::with_capacity(BATCH_FRAMES_MAX), 0);
    while let Some(recorded) = lines.next()? {
        if conn.is_some_and(|conn| conn != recorded.conn) {
            continue;
        }
        bytes += recorded.text.len();
        batch.push(recorded);
        if batch.len() >= BATCH_FRAMES_MAX || bytes >= BATCH_BYTES_MAX {
            let full = std::mem::replace(&mut batch, Vec::with_capacity(BATCH_FRAMES_MAX));
            if batches.blocking_send(full).is_err() {
                return Ok(());
            }
            bytes = 0;
        }
    }
    if !batch.is_empty() {
        // A receiver that is gone needs no last batch.
        let _ = batches.blocking_send(batch);
    }
    Ok(())
}

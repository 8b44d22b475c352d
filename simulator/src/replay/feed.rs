//! Reads a recording line by line: plain or zstd, never more of it in memory than a few batches.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read as _};
use std::path::{Path, PathBuf};

use tokio::sync::mpsc;

use super::line::{Line, Recorded, parse_line};

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
    runs: Runs,
}

/// Keeps the connections of several processes apart whose captures were joined.
#[derive(Default)]
struct Runs {
    run: String,
    base: u64,
    conn_max: u64,
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
        Ok(Self { reader, line: Vec::new(), conn: 0, runs: Runs::default() })
    }

    /// Returns the next recorded frame, none at the end.
    pub(super) fn next(&mut self) -> io::Result<Option<Recorded>> {
        loop {
            self.line.clear();
            let read = match (&mut self.reader).take(LINE_BYTES_MAX).read_until(b'\n', &mut self.line) {
                Ok(0) => return Ok(None),
                Ok(read) => read,
                // The recorder was killed, or still writes. What it got to is good, up to its last whole line.
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
                Err(error) => return Err(error),
            };
            if read as u64 == LINE_BYTES_MAX {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "a line is longer than 16 MiB"));
            }
            match parse_line(&self.line, self.conn) {
                Line::Frame(mut recorded) => {
                    self.conn = recorded.conn;
                    recorded.conn = self.runs.place(recorded.conn);
                    return Ok(Some(recorded));
                }
                Line::Head(run) => self.runs.begin(run),
                Line::Nothing => {}
            }
        }
    }
}

impl Runs {
    fn begin(&mut self, run: String) {
        if run != self.run {
            self.base = self.conn_max;
            self.run = run;
        }
    }

    fn place(&mut self, conn: u64) -> u64 {
        let conn = self.base.saturating_add(conn);
        self.conn_max = self.conn_max.max(conn);
        conn
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

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    const SEED_LINES: u64 = 5_000;

    /// Frames with some noise, so that they fill several blocks when compressed.
    fn lines() -> String {
        let line = |n: u64| {
            let noise = n.wrapping_mul(0x9E37_79B9_7F4A_7C15);
            format!(
                r#"{{"recv_ns":{n},"conn":1,"frame":{{"type":"ticker","sid":1,"msg":{{"n":{n},"noise":{noise}}}}}}}"#
            )
        };
        (0..SEED_LINES).map(|n| line(n) + "\n").collect()
    }

    fn count(path: &Path) -> io::Result<u64> {
        let mut lines = Lines::open(path)?;
        let mut count = 0;
        while let Some(recorded) = lines.next()? {
            assert_eq!(recorded.recv_ns, Some(count), "in order, none missing, none cut");
            count += 1;
        }
        Ok(count.unsigned_abs())
    }

    #[test]
    fn a_recorder_that_was_killed_leaves_all_it_flushed() {
        let mut encoder = zstd::Encoder::new(Vec::new(), 3).unwrap();
        encoder.write_all(lines().as_bytes()).unwrap();
        encoder.flush().unwrap();
        let flushed = encoder.get_ref().len();
        encoder.write_all(lines().as_bytes()).unwrap();
        let whole = encoder.finish().unwrap();
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(&file, &whole[..flushed]).unwrap();
        assert_eq!(count(file.path()).unwrap(), SEED_LINES);
        std::fs::write(&file, &whole[..flushed / 2]).unwrap();
        let part = count(file.path()).unwrap();
        assert!(part > 0 && part < SEED_LINES, "{part}");
        let mut damaged = whole[..flushed].to_vec();
        damaged[..8].copy_from_slice(&[0x28, 0xb5, 0x2f, 0xfd, 0xff, 0xff, 0xff, 0xff]);
        std::fs::write(&file, damaged).unwrap();
        assert!(count(file.path()).is_err(), "damage is no tear");
    }

    #[test]
    fn processes_that_count_their_connections_alike_are_told_apart() {
        let head = |run: &str| format!(r#"{{"recv_ns":1,"mark":"capture","version":1,"run":"{run}"}}"#);
        let frame = |conn: u64| format!(r#"{{"recv_ns":1,"conn":{conn},"frame":{{}}}}"#);
        // The second file of a process goes on with its connections.
        let joined = [
            head("a"),
            frame(1),
            frame(2),
            head("a"),
            frame(2),
            head("b"),
            frame(1),
            frame(2),
            head("c"),
            frame(1),
        ];
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(&file, joined.join("\n")).unwrap();
        let mut lines = Lines::open(file.path()).unwrap();
        let conns: Vec<u64> =
            std::iter::from_fn(|| lines.next().unwrap().map(|recorded| recorded.conn)).collect();
        assert_eq!(conns, [1, 2, 2, 3, 4, 5]);
    }
}

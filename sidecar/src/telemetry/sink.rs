//! Where log lines go: a bounded queue and a thread that writes them.
//!
//! A host process that stops reading our standard error must not stop the desk, so a full queue drops lines and says so.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use tracing_subscriber::fmt::MakeWriter;

const QUEUE_LINES: usize = 8_192;

enum Job {
    Line(Vec<u8>),
    /// Answered once everything before it is written.
    Flush(SyncSender<()>),
}

/// The sending end; clones share one queue.
#[derive(Debug, Clone)]
pub(super) struct Sink {
    queue: SyncSender<Job>,
    dropped: Arc<AtomicU64>,
}

impl Sink {
    /// Starts the thread that writes to `out`.
    pub(super) fn start(out: impl Write + Send + 'static) -> io::Result<Sink> {
        let (queue, jobs) = sync_channel(QUEUE_LINES);
        let dropped = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&dropped);
        thread::Builder::new().name("log-writer".to_owned()).spawn(move || write(out, &jobs, &counter))?;
        Ok(Sink { queue, dropped })
    }

    /// Waits until what was logged so far is written, at most `within`.
    pub(super) fn flush(&self, within: Duration) {
        let (done, written) = sync_channel(1);
        if self.queue.try_send(Job::Flush(done)).is_ok() {
            let _ = written.recv_timeout(within);
        }
    }
}

fn write(mut out: impl Write, jobs: &Receiver<Job>, dropped: &AtomicU64) {
    while let Ok(job) = jobs.recv() {
        // A standard error that is closed is nobody to tell.
        match job {
            Job::Line(line) => {
                let lost = dropped.swap(0, Relaxed);
                if lost > 0 {
                    let _ = writeln!(out, "{}", super::format::lost_line(lost));
                }
                let _ = out.write_all(&line);
            }
            Job::Flush(done) => {
                let _ = out.flush();
                let _ = done.try_send(());
            }
        }
    }
}

/// Collects one event's bytes and queues them when it is dropped.
#[derive(Debug)]
pub(super) struct LineWriter {
    sink: Sink,
    line: Vec<u8>,
}

impl Write for LineWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.line.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for LineWriter {
    fn drop(&mut self) {
        if !self.line.is_empty()
            && self.sink.queue.try_send(Job::Line(std::mem::take(&mut self.line))).is_err()
        {
            self.sink.dropped.fetch_add(1, Relaxed);
        }
    }
}

impl<'a> MakeWriter<'a> for Sink {
    type Writer = LineWriter;

    fn make_writer(&'a self) -> LineWriter {
        LineWriter { sink: self.clone(), line: Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{self, Write};
    use std::sync::{Arc, mpsc};
    use std::time::Duration;

    use parking_lot::Mutex;
    use tracing_subscriber::fmt::MakeWriter as _;

    use super::{QUEUE_LINES, Sink};

    /// Blocks until its gate opens, then keeps what it is given.
    struct Reader(Arc<Mutex<Vec<u8>>>, Option<mpsc::Receiver<()>>);

    impl Write for Reader {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if let Some(gate) = self.1.take() {
                let _ = gate.recv_timeout(Duration::from_secs(10));
            }
            self.0.lock().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_reader_that_does_not_read_costs_lines_and_never_blocks() {
        let read = Arc::new(Mutex::new(Vec::new()));
        let (open, gate) = mpsc::channel();
        let sink = Sink::start(Reader(Arc::clone(&read), Some(gate))).unwrap();
        for _ in 0..QUEUE_LINES + 100 {
            sink.make_writer().write_all(b"line\n").unwrap();
        }
        drop(open);
        let deadline = std::time::Instant::now() + Duration::from_secs(10);
        while read.lock().len() < QUEUE_LINES * 5 && std::time::Instant::now() < deadline {
            sink.flush(Duration::from_secs(1));
        }
        sink.make_writer().write_all(b"after\n").unwrap();
        sink.flush(Duration::from_secs(10));
        let text = String::from_utf8(read.lock().clone()).unwrap();
        assert!(text.contains("log lines were dropped"), "{}", text.len());
        assert!(text.ends_with("after\n"));
    }
}

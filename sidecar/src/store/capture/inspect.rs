//! What a capture file holds, and whether it is whole: read to its end, or as far as it goes.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use serde::Deserialize;
use serde::de::IgnoredAny;

pub use super::retention::captures_in;

/// No line comes near this: a message of the exchange is at most 16 MiB, twice that when escaped.
const LINE_BYTES_MAX: u64 = 64 << 20;

/// How a file ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// Ended as it should, and its checksum holds.
    Whole,
    /// Still being written, or its writer was killed: what is there is good.
    Open,
    /// Not what was written.
    Damaged(String),
}

/// What a file holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    pub ending: Ending,
    /// Frames received.
    pub frames: u64,
    /// Commands sent.
    pub commands: u64,
    /// Connections that were opened.
    pub connections: u64,
    /// Frames and commands the marks say are missing.
    pub missing: u64,
    /// Receive times of the first and the last line, nanoseconds since the Unix epoch.
    pub span_ns: Option<(i64, i64)>,
}

#[derive(Deserialize)]
struct Line<'a> {
    recv_ns: i64,
    frame: Option<IgnoredAny>,
    frame_base64: Option<IgnoredAny>,
    sent: Option<IgnoredAny>,
    mark: Option<&'a str>,
    /// Of a gap.
    frames: Option<u64>,
}

/// Reads a capture file. An error means that it could not be opened; what is wrong inside is told in the answer.
pub fn look(path: &Path) -> io::Result<Look> {
    let file = File::open(path)?;
    let mut look =
        Look { ending: Ending::Whole, frames: 0, commands: 0, connections: 0, missing: 0, span_ns: None };
    // Nothing of the first flush is there yet.
    if file.metadata()?.len() == 0 {
        look.ending = Ending::Open;
        return Ok(look);
    }
    let mut reader = BufReader::with_capacity(128 * 1024, zstd::Decoder::new(file)?);
    let mut line = Vec::new();
    look.ending = loop {
        line.clear();
        match (&mut reader).take(LINE_BYTES_MAX).read_until(b'\n', &mut line) {
            Ok(0) => break if look.span_ns.is_some() { Ending::Whole } else { damaged("it holds no line") },
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => break Ending::Open,
            Err(error) => break damaged(&error.to_string()),
        }
        match serde_json::from_slice(&line) {
            Ok(line) => look.note(&line),
            Err(error) => break damaged(&format!("line {}: {error}", look.lines() + 1)),
        }
    };
    Ok(look)
}

fn damaged(what: &str) -> Ending {
    Ending::Damaged(what.to_owned())
}

impl Look {
    fn note(&mut self, line: &Line<'_>) {
        self.frames += u64::from(line.frame.is_some() || line.frame_base64.is_some());
        self.commands += u64::from(line.sent.is_some());
        self.connections += u64::from(line.mark == Some("opened"));
        if line.mark == Some("gap") {
            self.missing += line.frames.unwrap_or(0);
        }
        let first = self.span_ns.map_or(line.recv_ns, |(first, _)| first);
        self.span_ns = Some((first, line.recv_ns));
    }

    fn lines(&self) -> u64 {
        self.frames + self.commands
    }
}

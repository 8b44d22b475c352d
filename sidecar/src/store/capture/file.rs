//! One capture file: lines, compressed as they come, private to its owner.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use outrigger_engine::domain::WallTime;
use zstd::stream::write::Encoder;

pub(super) const PREFIX: &str = "capture-";
pub(super) const SUFFIX: &str = ".jsonl.zst";
/// The default level: lines shrink to about a tenth at some hundred megabytes a second.
const LEVEL: i32 = 3;

/// Opens a new file. Production has one way; a test puts a full disk here.
pub(super) type Create = fn(&Path) -> io::Result<File>;

/// Makes a file only its owner may read; one that exists is an error.
pub(super) fn create(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

pub(super) fn make_directory(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// Returns the path of a file that begins at `at`; names sort by time.
pub(super) fn path_at(directory: &Path, at: WallTime) -> PathBuf {
    let begin = jiff::Timestamp::from_microsecond(at.0).unwrap_or_default();
    directory.join(format!("{PREFIX}{}{SUFFIX}", begin.strftime("%Y%m%dT%H%M%S.%6fZ")))
}

/// A file being written.
pub(super) struct CaptureFile {
    pub(super) path: PathBuf,
    /// The hour of the wall clock it belongs to.
    pub(super) hour: i64,
    encoder: Encoder<'static, Counted>,
    is_flushed: bool,
}

impl CaptureFile {
    pub(super) fn begin(path: PathBuf, hour: i64, create: Create) -> io::Result<CaptureFile> {
        let mut encoder = Encoder::new(Counted { file: create(&path)?, bytes: 0 }, LEVEL)?;
        encoder.include_checksum(true)?;
        Ok(CaptureFile { path, hour, encoder, is_flushed: true })
    }

    pub(super) fn write(&mut self, lines: &[u8]) -> io::Result<()> {
        self.is_flushed = false;
        self.encoder.write_all(lines)
    }

    /// Hands everything written so far to the system: a killed process loses nothing of it.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        if !self.is_flushed {
            self.encoder.flush()?;
            self.is_flushed = true;
        }
        Ok(())
    }

    /// Returns the bytes in the file, compressed.
    pub(super) fn bytes(&self) -> u64 {
        self.encoder.get_ref().bytes
    }

    /// Ends the file with its checksum.
    pub(super) fn finish(self) -> io::Result<u64> {
        let counted = self.encoder.finish()?;
        counted.file.sync_all()?;
        Ok(counted.bytes)
    }
}

struct Counted {
    file: File,
    bytes: u64,
}

impl Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

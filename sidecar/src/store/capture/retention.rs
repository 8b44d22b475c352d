//! Which captures are kept: none too old, all together not too many bytes, the oldest go first.
//!
//! Never deletes the file being written, nor a file whose name is not that of a capture.

use std::io;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use outrigger_engine::domain::WallTime;

use super::CapturePlan;
use super::file::{PREFIX, SUFFIX};

/// A capture on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    pub path: PathBuf,
    pub bytes: u64,
    /// When it was last written.
    pub written: WallTime,
}

/// Returns the captures in a directory, oldest first. A directory that is not there holds none.
pub fn captures_in(directory: &Path) -> io::Result<Vec<Stored>> {
    let entries = match std::fs::read_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name();
        let is_ours = name.to_str().is_some_and(|name| name.starts_with(PREFIX) && name.ends_with(SUFFIX));
        // A file deleted meanwhile is none.
        let Some(metadata) = entry.metadata().ok().filter(|metadata| is_ours && metadata.is_file()) else {
            continue;
        };
        let written = metadata.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default();
        let written = WallTime(i64::try_from(written.as_micros()).unwrap_or(i64::MAX));
        found.push(Stored { path: entry.path(), bytes: metadata.len(), written });
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(found)
}

/// Deletes what the plan does not keep; returns how many files are left.
pub(super) fn prune(plan: &CapturePlan, current: Option<&Path>, now: WallTime) -> io::Result<u64> {
    let stored = captures_in(&plan.directory)?;
    let retention_us = i64::try_from(plan.retention.as_micros()).unwrap_or(i64::MAX);
    let oldest = now.0.saturating_sub(retention_us);
    let mut bytes: u64 = stored.iter().map(|stored| stored.bytes).sum();
    let mut left = stored.len() as u64;
    for old in stored.iter().filter(|old| current != Some(&*old.path)) {
        if old.written.0 >= oldest && bytes <= plan.bytes_max {
            continue;
        }
        match std::fs::remove_file(&old.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => tracing::info!(file = %old.path.display(), bytes = old.bytes, "an old capture was deleted"),
        }
        bytes = bytes.saturating_sub(old.bytes);
        left -= 1;
    }
    Ok(left)
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::time::Duration;

    use super::*;

    const HOUR_US: i64 = 3_600_000_000;
    const NOW: WallTime = WallTime(500_000 * HOUR_US);

    /// Makes a file that was written `hours` ago.
    fn made(directory: &Path, name: &str, bytes: usize, hours: i64) -> PathBuf {
        let path = directory.join(name);
        std::fs::write(&path, vec![0; bytes]).unwrap();
        let at = u64::try_from(NOW.0 - hours * HOUR_US).unwrap();
        let at = UNIX_EPOCH + Duration::from_micros(at);
        File::options().write(true).open(&path).unwrap().set_modified(at).unwrap();
        path
    }

    fn left_after(hours: u64, bytes_max: u64, current: &str) -> Vec<String> {
        let directory = tempfile::TempDir::new().unwrap();
        let path = directory.path();
        made(path, "capture-1.jsonl.zst", 100, 9);
        made(path, "capture-2.jsonl.zst", 100, 5);
        made(path, "capture-3.jsonl.zst", 100, 3);
        made(path, "capture-4.jsonl.zst", 100, 0);
        made(path, "notes.txt", 5_000, 99);
        let retention = Duration::from_secs(hours * 3_600);
        let plan = CapturePlan { directory: path.to_owned(), retention, bytes_max };
        let left = prune(&plan, Some(&path.join(current)), NOW).unwrap();
        assert!(path.join("notes.txt").exists());
        let names: Vec<String> = captures_in(path)
            .unwrap()
            .into_iter()
            .map(|stored| stored.path.file_name().unwrap().to_str().unwrap()[8..9].to_owned())
            .collect();
        assert_eq!(left, names.len() as u64);
        names
    }

    #[test]
    fn the_oldest_go_first_by_age_and_by_size_and_never_the_one_being_written() {
        assert_eq!(left_after(10, 400, "capture-4.jsonl.zst"), ["1", "2", "3", "4"]);
        assert_eq!(left_after(4, 400, "capture-4.jsonl.zst"), ["3", "4"]);
        assert_eq!(left_after(10, 399, "capture-4.jsonl.zst"), ["2", "3", "4"]);
        assert_eq!(left_after(10, 10, "capture-4.jsonl.zst"), ["4"]);
        assert_eq!(left_after(1, 10, "capture-1.jsonl.zst"), ["1"]);
    }

    #[test]
    fn a_directory_that_is_not_there_holds_none() {
        assert_eq!(captures_in(Path::new("no/such/place")).unwrap(), []);
    }
}

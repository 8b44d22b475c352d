//! Reads the tapes that exchanges of a test run left behind.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::Path;

use anyhow::Context as _;
use serde::Deserialize;
use serde_json::Value;

/// One line of a tape.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Line {
    Reply { rest: Reply },
    Frame { frame: Value },
}

#[derive(Debug, Deserialize)]
pub(super) struct Reply {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) status: u16,
    pub(super) body: Value,
}

/// Gives every whole line of a tape to `see`; a line that a kill cut off ends the tape.
pub(super) fn read(path: &Path, mut see: impl FnMut(Line)) -> anyhow::Result<()> {
    let mut lines = BufReader::new(File::open(path).with_context(|| format!("open {}", path.display()))?);
    let mut text = String::new();
    while lines.read_line(&mut text)? > 0 {
        if !text.ends_with('\n') {
            break;
        }
        let line = serde_json::from_str(&text).with_context(|| format!("{}: {text}", path.display()))?;
        see(line);
        text.clear();
    }
    Ok(())
}

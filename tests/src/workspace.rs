//! Where things are: the workspace, the shared material beside it, and the lines a test shows a person.

use std::io::Write as _;
use std::path::{Path, PathBuf};

/// Returns the root of the workspace.
pub fn root() -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().unwrap_or(tests).to_path_buf()
}

/// Returns the folder of recorded exchange traffic and specs, or `None` where it is not at hand.
pub fn shared() -> Option<PathBuf> {
    let path = std::env::var_os("OUTRIGGER_SHARED").map_or_else(|| root().join("../shared"), PathBuf::from);
    path.join("kalshi").is_dir().then_some(path)
}

/// Returns the folder of other recordings to try, where `OUTRIGGER_RECORDINGS` names one.
pub fn recordings() -> Option<PathBuf> {
    std::env::var_os("OUTRIGGER_RECORDINGS").map(PathBuf::from)
}

/// Shows a line to whoever runs the tests, passing tests included: the harness captures only the print macros.
pub fn say(line: &str) {
    // A closed terminal is no reason to fail a test.
    let _ = writeln!(std::io::stderr(), "{line}");
}

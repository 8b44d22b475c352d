//! The checked writer of every command: a reader that went away is no error, and nothing here can panic.

use std::io::{self, Write as _};
use std::process::ExitCode;

use crate::cli::EXIT_USAGE;
use crate::config::Mistakes;

/// Writes to standard output.
pub(crate) fn out(text: &str) -> io::Result<()> {
    forgive_closed(io::stdout().lock().write_all(text.as_bytes()))
}

/// Writes the one line that says the port is open, and flushes it: a host process waits for it.
pub fn ready(port: u16, nonce: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    forgive_closed(writeln!(stdout, "READY {port} {nonce}").and_then(|()| stdout.flush()))
}

/// Writes `value` as JSON, or `text` for people.
pub(crate) fn answer(json: bool, value: &serde_json::Value, text: &str) -> io::Result<()> {
    if json { out(&format!("{value:#}\n")) } else { out(&format!("{text}\n")) }
}

/// Writes a line for people to standard error; a closed standard error is nobody to tell.
pub(crate) fn note(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Writes an error with its whole chain of causes.
pub(crate) fn error(error: &anyhow::Error) {
    note(&format!("outrigger: {error:#}"));
}

/// Returns 2 for what the user can put right on the command line, a port in use included, 1 for everything else.
pub(crate) fn exit_code(error: &anyhow::Error) -> ExitCode {
    let taken = |error: &io::Error| error.kind() == io::ErrorKind::AddrInUse;
    let is_usage = error.chain().any(|cause| {
        cause.is::<Mistakes>() || cause.is::<Usage>() || cause.downcast_ref::<io::Error>().is_some_and(taken)
    });
    ExitCode::from(if is_usage { EXIT_USAGE } else { 1 })
}

/// Something on the command line that cannot be done, with what to say instead.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Usage(pub String);

fn forgive_closed(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

//! The running sidecar.

use std::process::ExitCode;

use crate::config;

/// Runs the sidecar until it is asked to stop.
pub fn run(_config: config::Effective) -> anyhow::Result<ExitCode> {
    anyhow::bail!("this build cannot run the sidecar yet; `outrigger exchange` and the tools work")
}

//! `outrigger run`.

use std::io;
use std::process::ExitCode;

use super::args::RunArgs;
use crate::config::{self, Bootstrap};

pub(super) fn run(args: RunArgs) -> anyhow::Result<ExitCode> {
    let sources = args.sources();
    let bootstrap = args.bootstrap.is_some().then(|| Bootstrap::read(io::stdin().lock())).transpose()?;
    let config = config::load(&sources, bootstrap)?;
    crate::app::run(config)
}

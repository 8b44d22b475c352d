//! `outrigger watch`.

use std::io::IsTerminal as _;
use std::process::ExitCode;

use anyhow::Context as _;

use super::args::WatchArgs;
use crate::config;
use crate::watch::{Options, Target, run as watch};

pub(super) fn run(args: WatchArgs) -> anyhow::Result<ExitCode> {
    let place = config::place(&args.place.sources())?;
    let file = args.token_file.unwrap_or_else(|| place.data_dir.join("admin.token"));
    let token = std::fs::read_to_string(&file).with_context(|| {
        format!(
            "cannot read the token in {}; start the sidecar once, or name its --data-dir or a --token-file",
            file.display()
        )
    })?;
    let address = args.connect.unwrap_or_else(|| place.listen.api.to_string());
    let target = Target { address, token: token.trim().to_owned() };
    let plain = args.plain || !std::io::stdout().is_terminal();
    watch(Options { target, tickers: args.tickers, once: args.once, plain })?;
    Ok(ExitCode::SUCCESS)
}

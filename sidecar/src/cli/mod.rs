//! The command line: what is asked, read once, handed to the part that does it.
//!
//! Standard output carries only what a program may read; everything else is a log on standard error.

mod args;
mod captures;
mod check_config;
mod exchange;
mod ledger;
pub mod output;
mod run;
mod token;
mod watch;

use std::ffi::OsString;
use std::process::ExitCode;
use std::time::Duration;

use clap::{CommandFactory as _, FromArgMatches as _};

use args::{Cli, Command};

use crate::telemetry;

/// Something was asked for wrongly: flags, configuration, a busy port.
pub(crate) const EXIT_USAGE: u8 = 2;

/// A standard error that nobody reads must not keep the process.
const LOG_FLUSH_WITHIN: Duration = Duration::from_millis(500);

/// Parses, runs, and turns the ending into an exit code.
pub fn main() -> ExitCode {
    // What this process writes is its user's alone: ledger, tokens, keys, backups.
    rustix::process::umask(rustix::fs::Mode::RWXG | rustix::fs::Mode::RWXO);
    // Every HTTP client needs one; nobody has installed another before us.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let command = Cli::command().get_matches_from(with_default_command(std::env::args_os().collect()));
    let cli = match Cli::from_arg_matches(&command) {
        Ok(cli) => cli,
        Err(error) => error.exit(),
    };
    let is_tool = !matches!(cli.command, Command::Run(_) | Command::Exchange(_));
    if is_tool {
        telemetry::init_tool();
    }
    let ended = dispatch(cli.command);
    telemetry::flush(LOG_FLUSH_WITHIN);
    match ended {
        Ok(code) => code,
        Err(error) => {
            output::error(&error);
            output::exit_code(&error)
        }
    }
}

fn dispatch(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Run(args) => run::run(args),
        Command::Exchange(args) => exchange::run(args),
        Command::CheckConfig(args) => check_config::run(args),
        Command::Watch(args) => watch::run(args),
        Command::Token(command) => token::run(command),
        Command::Captures(args) => captures::run(args),
        Command::Verify(args) => ledger::verify(args),
        Command::Backup(args) => ledger::backup(args),
        Command::Restore(args) => ledger::restore(args),
        Command::Migrate(command) => ledger::migrate(command),
    }
}

/// `outrigger` alone, or with flags only, means `outrigger run`.
fn with_default_command(mut args: Vec<OsString>) -> Vec<OsString> {
    let first = args.get(1).and_then(|first| first.to_str());
    let own = ["-h", "--help", "-V", "--version"];
    if first.is_none_or(|first| first.starts_with('-') && !own.contains(&first)) {
        let at = args.len().min(1);
        args.insert(at, "run".into());
    }
    args
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::args::Cli;
    use super::with_default_command;

    fn told(args: &[&str]) -> Vec<String> {
        let args = with_default_command(args.iter().map(Into::into).collect());
        args.into_iter().map(|arg| arg.into_string().unwrap()).collect()
    }

    #[test]
    fn run_is_the_default_command() {
        assert_eq!(told(&["outrigger"]), ["outrigger", "run"]);
        assert_eq!(told(&["outrigger", "--env", "sim"]), ["outrigger", "run", "--env", "sim"]);
        assert_eq!(told(&["outrigger", "--help"]), ["outrigger", "--help"]);
        assert_eq!(told(&["outrigger", "verify"]), ["outrigger", "verify"]);
    }

    #[test]
    fn every_flag_is_declared_once() {
        Cli::command().debug_assert();
    }
}

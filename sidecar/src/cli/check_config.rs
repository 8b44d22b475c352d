//! `outrigger check-config`: the configuration in effect, or every mistake in it.

use std::fmt::Write as _;
use std::process::ExitCode;

use serde_json::json;

use super::args::CheckConfigArgs;
use super::{EXIT_USAGE, output};
use crate::config::{self, Effective, Mistakes};

pub(super) fn run(args: CheckConfigArgs) -> anyhow::Result<ExitCode> {
    let sources = args.run.sources();
    // The line itself is not read: checking must not eat what the next start needs.
    let bootstrap = args.run.bootstrap.is_some().then(config::Bootstrap::placeholder);
    match config::load(&sources, bootstrap) {
        Ok(config) => {
            output::out(&if args.json { as_json(&config) } else { as_text(&config) })?;
            Ok(ExitCode::SUCCESS)
        }
        Err(mistakes) if args.json => {
            output::out(&mistakes_as_json(&mistakes))?;
            Ok(ExitCode::from(EXIT_USAGE))
        }
        Err(mistakes) => Err(mistakes.into()),
    }
}

fn as_text(config: &Effective) -> String {
    let width = config.shown.iter().map(|shown| shown.key.len()).max().unwrap_or(0);
    let value_width = config.shown.iter().map(|shown| shown.value.len()).max().unwrap_or(0).min(40);
    let mut text = String::new();
    for shown in &config.shown {
        let _ = writeln!(text, "{:width$}  {:value_width$}  {}", shown.key, shown.value, shown.from);
    }
    for warning in &config.warnings {
        let _ = writeln!(text, "warning: {warning}");
    }
    text
}

fn as_json(config: &Effective) -> String {
    let body = json!({ "ok": true, "config": config.shown, "warnings": config.warnings });
    format!("{body:#}\n")
}

fn mistakes_as_json(mistakes: &Mistakes) -> String {
    let list: Vec<_> = mistakes.0.iter().map(|m| json!({ "place": m.place, "message": m.message })).collect();
    format!("{:#}\n", json!({ "ok": false, "mistakes": list }))
}

//! `outrigger captures`: what was recorded of the exchange's stream, read to the end to see that it is whole.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use serde_json::{Value, json};

use super::args::CapturesArgs;
use super::output;
use crate::config;
use crate::store::{self, Ending, Look};

pub(super) fn run(args: CapturesArgs) -> anyhow::Result<ExitCode> {
    let paths = if args.files.is_empty() { stored(&args)? } else { args.files };
    let mut rows = Vec::new();
    let mut is_damaged = false;
    for path in &paths {
        let bytes = path.metadata().with_context(|| path.display().to_string())?.len();
        let look = store::look(path).with_context(|| path.display().to_string())?;
        is_damaged |= matches!(look.ending, Ending::Damaged(_));
        if args.json {
            rows.push(as_json(path, bytes, &look));
        } else {
            // One by one: a full directory takes a while to read.
            output::out(&as_text(path, bytes, &look))?;
        }
    }
    if args.json {
        output::out(&format!("{:#}\n", json!({ "captures": rows })))?;
    } else if paths.is_empty() {
        output::note("no captures; store.capture switches them on");
    }
    Ok(if is_damaged { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn stored(args: &CapturesArgs) -> anyhow::Result<Vec<PathBuf>> {
    let directory = config::capture_dir(&args.place.sources())?;
    let stored = store::captures_in(&directory).with_context(|| directory.display().to_string())?;
    Ok(stored.into_iter().map(|stored| stored.path).collect())
}

fn time(ns: i64) -> String {
    jiff::Timestamp::from_nanosecond(ns.into()).map(|at| format!("{at:.3}")).unwrap_or_default()
}

const fn state(ending: &Ending) -> &'static str {
    match ending {
        Ending::Whole => "whole",
        Ending::Open => "open",
        Ending::Damaged(_) => "damaged",
    }
}

fn as_json(path: &Path, bytes: u64, look: &Look) -> Value {
    let damage = match &look.ending {
        Ending::Damaged(what) => Value::from(what.as_str()),
        Ending::Whole | Ending::Open => Value::Null,
    };
    json!({
        "file": path,
        "bytes": bytes,
        "from": look.span_ns.map(|span| time(span.0)),
        "to": look.span_ns.map(|span| time(span.1)),
        "connections": look.connections,
        "frames": look.frames,
        "commands": look.commands,
        "missing": look.missing,
        "state": state(&look.ending),
        "damage": damage,
    })
}

fn as_text(path: &Path, bytes: u64, look: &Look) -> String {
    let span = look
        .span_ns
        .map_or_else(|| "nothing yet".to_owned(), |(from, to)| format!("{} to {}", time(from), time(to)));
    let missing = if look.missing == 0 { String::new() } else { format!(", {} missing", look.missing) };
    let damage = match &look.ending {
        Ending::Damaged(what) => format!(": {what}; what comes before it can be replayed"),
        Ending::Whole | Ending::Open => String::new(),
    };
    format!(
        "{}\n  {span}, {} frames{missing}, {} connections begun, {bytes} bytes, {}{damage}\n",
        path.display(),
        look.frames,
        look.connections,
        state(&look.ending)
    )
}

//! `outrigger token`: bearer tokens of the local API, made while the sidecar runs or not.

use std::fmt::Write as _;
use std::process::ExitCode;

use anyhow::bail;
use serde_json::json;

use super::args::{TokenCommand, TokenNewArgs, TokenRevokeArgs, ToolArgs};
use super::output::{self, Usage};
use crate::config::{self, Place};
use crate::store::{DataDirectory, LEDGER_FILE, Scope, TokenRow, Tokens, open_ledger};

pub(super) fn run(command: TokenCommand) -> anyhow::Result<ExitCode> {
    match command {
        TokenCommand::New(args) => new(args),
        TokenCommand::List(args) => list(args),
        TokenCommand::Revoke(args) => revoke(args),
    }
}

/// Opens the tokens of the data directory; makes an empty ledger when there is none yet.
fn open(place: &Place) -> anyhow::Result<Tokens> {
    let ledger = place.data_dir.join(LEDGER_FILE);
    if !ledger.exists() {
        let directory = DataDirectory::lock(&place.data_dir)?;
        open_ledger(&directory.ledger(), place.env.as_str())?;
    }
    Ok(Tokens::open(&ledger)?)
}

fn new(args: TokenNewArgs) -> anyhow::Result<ExitCode> {
    let is_plain =
        |name: &str| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    if args.name.is_empty() || args.name.len() > 64 || !is_plain(&args.name) {
        bail!(Usage(format!("--name {:?}: use 1 to 64 letters, digits, - _ .", args.name)));
    }
    let Some(scope) = Scope::parse(&args.scope) else {
        bail!(Usage(format!("--scope {:?}: one of read, trade, admin", args.scope)));
    };
    let tokens = open(&config::place(&args.tool.place.sources())?)?;
    if tokens.list()?.iter().any(|row| row.name == args.name) {
        bail!(Usage(format!("there is or was a token named {:?}; names are used once", args.name)));
    }
    let token = tokens.create(&args.name, scope, now_us())?;
    let value = json!({ "name": args.name, "scope": scope, "token": token });
    output::answer(args.tool.json, &value, &token)?;
    if !args.tool.json {
        output::note("it is not stored and cannot be shown again; send it as `Authorization: Bearer TOKEN`");
    }
    Ok(ExitCode::SUCCESS)
}

fn list(args: ToolArgs) -> anyhow::Result<ExitCode> {
    let rows = open(&config::place(&args.place.sources())?)?.list()?;
    output::answer(args.json, &json!({ "tokens": rows }), &table(&rows))?;
    Ok(ExitCode::SUCCESS)
}

fn table(rows: &[TokenRow]) -> String {
    if rows.is_empty() {
        return "no tokens yet, besides admin.token in the data directory".to_owned();
    }
    let width = rows.iter().map(|row| row.name.len()).max().unwrap_or(0).max(4);
    let mut text = format!("{:width$}  SCOPE  CREATED               STATE", "NAME");
    for row in rows {
        let state = row.revoked_us.map_or_else(|| "valid".to_owned(), |at| format!("revoked {}", date(at)));
        let _ = write!(
            text,
            "\n{:width$}  {:5}  {}  {state}",
            row.name,
            row.scope.as_str(),
            date(row.created_us)
        );
    }
    text
}

fn revoke(args: TokenRevokeArgs) -> anyhow::Result<ExitCode> {
    let tokens = open(&config::place(&args.tool.place.sources())?)?;
    if !tokens.revoke(&args.name, now_us())? {
        bail!("no valid token is named {:?}", args.name);
    }
    let value = json!({ "name": args.name, "revoked": true });
    output::answer(args.tool.json, &value, &format!("revoked {}", args.name))?;
    Ok(ExitCode::SUCCESS)
}

fn now_us() -> i64 {
    jiff::Timestamp::now().as_microsecond()
}

fn date(us: i64) -> String {
    let whole_seconds = jiff::Timestamp::from_second(us.div_euclid(1_000_000));
    whole_seconds.map_or_else(|_| us.to_string(), |timestamp| timestamp.to_string())
}

//! `outrigger verify`, `backup`, `restore`, `migrate`: what a person may do to a ledger's files.

use std::process::ExitCode;

use anyhow::bail;
use serde_json::json;

use super::args::{BackupArgs, MigrateCommand, MigrateDownArgs, RestoreArgs, ToolArgs, VerifyArgs};
use super::output::{self, Usage};
use crate::config::{self, Place};
use crate::store::{self, DataDirectory, Direction, LEDGER_FILE, MigrationStatus, Verification};

fn place(tool: &ToolArgs) -> anyhow::Result<Place> {
    Ok(config::place(&tool.place.sources())?)
}

pub(super) fn verify(args: VerifyArgs) -> anyhow::Result<ExitCode> {
    let file = match args.file {
        Some(file) => file,
        None => place(&args.tool)?.data_dir.join(LEDGER_FILE),
    };
    let Verification { entries, orders, dead_letters, findings } = store::verify(&file)?;
    let is_sound = findings.is_empty();
    let value = json!({ "file": file, "sound": is_sound, "entries": entries, "orders": orders, "dead_letters": dead_letters, "findings": findings });
    let text = if is_sound {
        let letters = if dead_letters == 0 {
            String::new()
        } else {
            format!("; {dead_letters} rows were refused by their tables, see dead_letters")
        };
        format!("{}: sound, {entries} entries, {orders} orders{letters}", file.display())
    } else {
        let list: Vec<String> = findings.iter().map(|finding| format!("  {}", finding.what)).collect();
        format!(
            "{}: DAMAGED\n{}\nkeep this file, and put a backup in its place with `outrigger restore FILE`",
            file.display(),
            list.join("\n")
        )
    };
    output::answer(args.tool.json, &value, &text)?;
    Ok(if is_sound { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

pub(super) fn backup(args: BackupArgs) -> anyhow::Result<ExitCode> {
    let ledger = place(&args.tool)?.data_dir.join(LEDGER_FILE);
    store::backup(&ledger, &args.file)?;
    let checked = store::verify(&args.file)?;
    if let Some(finding) = checked.findings.first() {
        bail!("the copy at {} is not sound: {}; run `outrigger verify`", args.file.display(), finding.what);
    }
    let value = json!({ "file": args.file, "entries": checked.entries, "orders": checked.orders });
    let text =
        format!("{}: {} entries, {} orders, verified", args.file.display(), checked.entries, checked.orders);
    output::answer(args.tool.json, &value, &text)?;
    Ok(ExitCode::SUCCESS)
}

pub(super) fn restore(args: RestoreArgs) -> anyhow::Result<ExitCode> {
    let place = place(&args.tool)?;
    let directory = DataDirectory::lock(&place.data_dir)?;
    let aside = store::restore(&args.file, &directory, place.env.as_str())?;
    let value = json!({ "ledger": directory.ledger(), "kept": aside });
    let kept =
        aside.map_or_else(String::new, |aside| format!("\nthe ledger before is kept at {}", aside.display()));
    let text = format!(
        "restored {}{kept}\nat its next start the sidecar compares it with the exchange before it trades",
        directory.ledger().display()
    );
    output::answer(args.tool.json, &value, &text)?;
    Ok(ExitCode::SUCCESS)
}

pub(super) fn migrate(command: MigrateCommand) -> anyhow::Result<ExitCode> {
    match command {
        MigrateCommand::Status(tool) => {
            let ledger = place(&tool)?.data_dir.join(LEDGER_FILE);
            let connection = store::open_ledger_read_only(&ledger)?;
            show(&tool, store::migration_status(&connection, &ledger)?)
        }
        MigrateCommand::Up(tool) => shift(&tool, Direction::Up),
        MigrateCommand::Down(MigrateDownArgs { yes: true, tool }) => shift(&tool, Direction::Down),
        MigrateCommand::Down(MigrateDownArgs { yes: false, .. }) => {
            bail!(Usage("migrate down takes tables away; make a backup first, then say --yes".to_owned()))
        }
    }
}

fn shift(tool: &ToolArgs, direction: Direction) -> anyhow::Result<ExitCode> {
    let place = place(tool)?;
    let directory = DataDirectory::lock(&place.data_dir)?;
    show(tool, store::migrate(&directory.ledger(), direction)?)
}

fn show(tool: &ToolArgs, status: MigrationStatus) -> anyhow::Result<ExitCode> {
    let MigrationStatus { applied, known } = status;
    let state = if applied == known {
        "newest".to_owned()
    } else {
        format!("{} to go", known.saturating_sub(applied))
    };
    output::answer(tool.json, &json!(status), &format!("schema {applied} of {known} ({state})"))?;
    Ok(ExitCode::SUCCESS)
}

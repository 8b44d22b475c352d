//! Every reply and every frame of every test, held to the exchange's published specifications.
//!
//! Runs last: `make test` gives all tests a folder in which their exchanges leave tapes, and this test reads them.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use outrigger_tests::contract::{Contract, Report};
use outrigger_tests::workspace::{root, say};

/// The folder of tapes.
const TAPES: &str = "OUTRIGGER_EXCHANGE_TAPES";
/// Set to write the page anew instead of comparing it.
const WRITE: &str = "OUTRIGGER_WRITE_DOCS";

#[test]
fn every_reply_and_frame_is_as_specified() -> anyhow::Result<()> {
    let Some(folder) = std::env::var_os(TAPES).map(PathBuf::from) else {
        say("skipped: there are no tapes; `make test` makes them");
        return Ok(());
    };
    let Some(contract) = Contract::load()? else {
        say("skipped: the exchange's specifications are not beside the project");
        return Ok(());
    };
    let report = Report::of(&contract, &folder)?;
    say(&report.summary());
    let complaints = report.complaints(&contract);
    ensure!(complaints.is_empty(), "{}\n{}", report.summary(), complaints.join("\n"));
    compare(&root().join("docs/api/venue-conformance.md"), &report.document(&contract))
}

fn compare(page: &Path, fresh: &str) -> anyhow::Result<()> {
    if std::env::var_os(WRITE).is_some() {
        return std::fs::write(page, fresh).context("write the page");
    }
    let held = std::fs::read_to_string(page).with_context(|| format!("read {}", page.display()))?;
    ensure!(
        held == fresh,
        "{} is out of date; {WRITE}=1 writes it anew",
        page.strip_prefix(root()).unwrap_or(page).display()
    );
    Ok(())
}

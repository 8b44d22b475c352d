//! The first minutes of a new user (done-when 1): the README's lines and the lines a started sidecar prints are pasted into a
//! shell, as they stand, and must do what they say.
#![allow(clippy::indexing_slicing, reason = "JSON values give null for what is absent")]

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use outrigger_tests::api::Api;
use outrigger_tests::pair::words;
use outrigger_tests::process::{self, Ended, Running};
use outrigger_tests::{wait, workspace};

const WITHIN: Duration = Duration::from_secs(60);

/// A home of its own with the binary where `make run` leaves it, and a sidecar started in it.
struct Home {
    folder: tempfile::TempDir,
    running: Running,
    api: Api,
}

impl Home {
    /// Starts a sidecar the way `make run` does, but on a port of its own.
    async fn start() -> anyhow::Result<Home> {
        let folder = tempfile::tempdir()?;
        let place = folder.path().join("target/release");
        std::fs::create_dir_all(&place)?;
        std::os::unix::fs::symlink(process::binary()?, place.join("outrigger"))?;
        let mut command = Command::new("target/release/outrigger");
        command.args(words(&["run", "--listen", "127.0.0.1:0", "--log-format", "text"]));
        Home::dress(&mut command, folder.path());
        let running = Running::start_command(command, &folder.path().join("sidecar.log"))?;
        let api = Api::admin(running.addr, &folder.path().join("data/outrigger/sim"))?;
        api.ready(WITHIN).await.with_context(|| running.log_tail())?;
        Ok(Home { folder, running, api })
    }

    fn dress(command: &mut Command, folder: &Path) {
        command.current_dir(folder).env("HOME", folder).env("XDG_DATA_HOME", folder.join("data"));
    }

    /// Pastes lines into a shell of this home.
    fn paste(&self, lines: &str) -> anyhow::Result<Ended> {
        let mut command = Command::new("bash");
        command.args(["-euo", "pipefail", "-c", lines]);
        Home::dress(&mut command, self.folder.path());
        command.env("OUTRIGGER_LISTEN", self.running.addr.to_string());
        let ended = process::run(command, WITHIN)?;
        ensure!(ended.code == Some(0), "{lines}\n{ended:?}");
        Ok(ended)
    }
}

/// Returns the README's shell blocks, in order.
fn readme_blocks() -> anyhow::Result<Vec<String>> {
    let text = std::fs::read_to_string(workspace::root().join("README.md"))?;
    let blocks: Vec<String> = text
        .split("\n```sh\n")
        .skip(1)
        .filter_map(|rest| rest.split_once("\n```").map(|(block, _)| block.to_owned()))
        .collect();
    ensure!(blocks.len() >= 3, "only {} shell blocks in the README", blocks.len());
    Ok(blocks)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_readme_works_as_it_stands() -> anyhow::Result<()> {
    let home = Home::start().await?;
    await_market(&home.api).await?;
    let blocks = readme_blocks()?;
    let lines = blocks.join("\n").replace("127.0.0.1:7373", &home.running.addr.to_string());
    // One shell, as a person has one: later blocks use what earlier ones set.
    let shown = home.paste(&lines)?.stdout;
    let (markets, rest) = shown.split_once("\"order_id\"").context("no order was placed")?;
    ensure!(markets.contains("KXSIM"), "no markets were listed: {shown}");
    for wanted in ["my orders", "0.0500", "resting", "\"fills\":[{", "\"positions\":[{", "\"cash\":"] {
        ensure!(rest.contains(wanted), "{wanted:?} is not in what the README's lines show:\n{shown}");
    }
    let orders = home.api.list("/v1/orders", "orders").await?;
    ensure!(orders.len() == 2, "{orders:?}");
    wait::until("both orders have ended", WITHIN, || async {
        let orders = home.api.list("/v1/orders", "orders").await?;
        let ended =
            orders.iter().all(|order| matches!(order["status"].as_str(), Some("executed" | "canceled")));
        ensure!(ended, "{orders:?}");
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_printed_hints_work_when_pasted() -> anyhow::Result<()> {
    let home = Home::start().await?;
    let log = home.folder.path().join("sidecar.log");
    let hints = wait::until("the hints", WITHIN, || async {
        let text = std::fs::read_to_string(&log)?;
        let (_, rest) = text.split_once("try:\n").context("no hints yet")?;
        let (hints, _) = rest.split_once("\nCtrl-C").context("the hints are not complete")?;
        Ok(hints.to_owned())
    })
    .await?;
    ensure!(hints.contains("/v1/markets") && hints.contains("/v1/orders"), "{hints}");
    // The live view ends by itself when it is read by a pipe that closes; with --once it is one picture.
    let lines = hints.replace("outrigger watch", "outrigger watch --once");
    let shown = home.paste(&lines)?.stdout;
    for wanted in ["\"markets\":[{", "\"order_id\"", "book live", "my orders"] {
        ensure!(shown.contains(wanted), "{wanted:?} is not in what the hints show:\n{hints}\n{shown}");
    }
    Ok(())
}

async fn await_market(api: &Api) -> anyhow::Result<()> {
    wait::until("a market of the README", WITHIN, || async {
        let markets = api.list("/v1/markets?status=active", "markets").await?;
        let found =
            markets.iter().any(|row| row["ticker"].as_str().is_some_and(|t| t.starts_with("KXSIMRATE")));
        ensure!(found, "none yet");
        Ok(())
    })
    .await
}

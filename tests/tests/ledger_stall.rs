//! A disk that refuses while the sidecar trades: orders stop within one commit and say so, a cancel still reaches the exchange, and
//! when the disk works again trading goes on without a restart. The disk is real; the process is forbidden to write to files.
#![allow(clippy::indexing_slicing, reason = "JSON values give null for what is absent")]

use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use outrigger_tests::api::Api;
use outrigger_tests::exchange::Judge;
use outrigger_tests::pair::Exchange;
use outrigger_tests::process::{self, Running};
use outrigger_tests::recording::scaled;
use outrigger_tests::wait;
use outrigger_tests::workspace::say;
use reqwest::Method;
use serde_json::{Value, json};

const WITHIN: Duration = Duration::from_secs(60);

/// Starts a sidecar that takes the signal of a forbidden write as an error, as on a full disk.
fn start(exchange: &Exchange, data: &std::path::Path) -> anyhow::Result<Running> {
    let venue = format!("http://{}", exchange.addr());
    let mut command = Command::new("bash");
    command.args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\""]).arg(process::binary()?);
    command.args(["run", "--env", "sim", "--venue", &venue, "--key-id", &exchange.key.id, "--key-file"]);
    command.arg(&exchange.key.private_file).args(["--listen", "127.0.0.1:0", "--data-dir"]).arg(data);
    Running::start_command(command, &exchange.folder.path().join("sidecar.log"))
}

/// Allows or forbids a running process to write beyond a file's first byte.
fn allow_writes(pid: u32, allowed: bool) -> anyhow::Result<()> {
    let limit = if allowed { "--fsize=unlimited:unlimited" } else { "--fsize=1:unlimited" };
    let status = Command::new("prlimit").args(["--pid", &pid.to_string(), limit]).status()?;
    ensure!(status.success(), "prlimit {limit}");
    Ok(())
}

async fn market(judge: &Judge<'_>) -> anyhow::Result<String> {
    wait::until("a market with a two-sided book", WITHIN, || async {
        let rows = judge.list("/markets?status=open&limit=1000", "markets").await?;
        let far_from_the_ends = |row: &&Value| {
            let price = |field: &str| row[field].as_str().and_then(|text| scaled(text, 4)).unwrap_or(0);
            price("yes_bid_dollars") >= 2000 && (1..=8000).contains(&price("yes_ask_dollars"))
        };
        let latest = rows.iter().filter(far_from_the_ends).max_by_key(|row| row["close_time"].to_string());
        latest.and_then(|row| row["ticker"].as_str()).map(str::to_owned).context("none yet")
    })
    .await
}

async fn place(api: &Api, ticker: &str, key: &str) -> anyhow::Result<(u16, Value)> {
    let body = json!({"ticker": ticker, "side": "bid", "price": "0.0100", "count": "1.00",
        "time_in_force": "good_till_canceled", "client_order_id": key});
    let answer = api.send(Method::POST, "/v1/orders", Some(key), Some(&body)).await?;
    Ok((answer.status, answer.body))
}

/// Returns how the order with this `client_order_id` stands at the exchange.
async fn at_exchange(judge: &Judge<'_>, key: &str) -> anyhow::Result<Vec<String>> {
    let rows = judge.list("/portfolio/orders?limit=200", "orders").await?;
    let ours = rows.iter().filter(|row| row["client_order_id"] == key);
    Ok(ours.filter_map(|row| row["status"].as_str().map(str::to_owned)).collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_refuses_stops_orders_and_trading_goes_on_without_a_restart() -> anyhow::Result<()> {
    if Command::new("prlimit").arg("--version").output().is_err() {
        say("skipped: there is no prlimit here to make the disk refuse");
        return Ok(());
    }
    let exchange = Exchange::start(&["--seed", "11"])?;
    let judge = Judge::new(exchange.addr(), &exchange.key)?;
    let ticker = market(&judge).await?;
    let data = tempfile::tempdir()?;
    let running = start(&exchange, data.path())?;
    let api = Api::admin(running.addr, data.path())?;
    api.ready(WITHIN).await.with_context(|| running.log_tail())?;
    let (status, resting) = place(&api, &ticker, "before").await?;
    ensure!(status == 201, "{status} {resting}");

    allow_writes(running.pid(), false)?;
    let (status, told) = place(&api, &ticker, "during").await?;
    ensure!(status == 503 && told["code"] == "OUT-LEDGER-001", "{status} {told}");
    let ready = api.send(Method::GET, "/readyz", None, None).await?;
    ensure!(ready.status == 503 && ready.body["flags"]["db_worker_ready"] == false, "{}", ready.body);
    ensure!(at_exchange(&judge, "during").await?.is_empty(), "what was refused never left");
    let order_id = resting["order_id"].as_str().context("order_id")?;
    let cancel = api.send(Method::DELETE, &format!("/v1/orders/{order_id}"), None, None).await?;
    ensure!(
        cancel.status == 503,
        "what is not recorded is not called done: {} {}",
        cancel.status,
        cancel.body
    );
    wait::until("the cancel reaches the exchange", WITHIN, || async {
        let stands = at_exchange(&judge, "before").await?;
        ensure!(stands == ["canceled"], "{stands:?}");
        Ok(())
    })
    .await?;

    allow_writes(running.pid(), true)?;
    api.ready(WITHIN).await.with_context(|| running.log_tail())?;
    ensure!(at_exchange(&judge, "during").await?.is_empty(), "it does not leave later either");
    let (status, again) = place(&api, &ticker, "during").await?;
    ensure!(status == 201, "the same key, trading is open again: {status} {again}");
    ensure!(at_exchange(&judge, "during").await? == ["resting"]);
    let shown = api.get(&format!("/v1/orders/{order_id}")).await?;
    ensure!(shown["status"] == "canceled", "{shown}");
    running.stop(WITHIN)?;
    let mut verify = Command::new(process::binary()?);
    verify.args(["verify", "--data-dir"]).arg(data.path());
    let checked = process::run(verify, WITHIN)?;
    ensure!(checked.code == Some(0), "{checked:?}");
    Ok(())
}

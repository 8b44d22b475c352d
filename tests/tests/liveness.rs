//! A venue that goes silent in each of its ways is found within 25 s, a process that stood still believes nothing from before,
//! and either is over soon after the trouble is (I7).
#![allow(clippy::indexing_slicing, reason = "JSON values give null for what is absent")]

use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use outrigger_tests::api::Api;
use outrigger_tests::pair::{Exchange, Sidecar};
use outrigger_tests::process::Running;
use outrigger_tests::wait;
use reqwest::Method;
use serde_json::{Value, json};

const READY_WITHIN: Duration = Duration::from_secs(60);
const FOUND_WITHIN: Duration = Duration::from_secs(25);
/// Live again within 10 s of healing; the rest is for a busy machine.
const LIVE_WITHIN: Duration = Duration::from_secs(40);

/// An exchange that can fail, a sidecar at it that is ready, and where the sidecar keeps its files.
struct Pair {
    exchange: Exchange,
    sidecar: Sidecar,
    _data: tempfile::TempDir,
}

impl Pair {
    async fn start() -> anyhow::Result<Pair> {
        let exchange = Exchange::start(&["--control"])?;
        let data = tempfile::tempdir()?;
        let sidecar = exchange.sidecar(data.path(), &[])?;
        sidecar.api.ready(READY_WITHIN).await.with_context(|| sidecar.running.log_tail())?;
        // Quotes are subscribed last: once they come, nothing waits for an answer that a fault could swallow instead.
        wait::until("frames of the last channel", READY_WITHIN, || async {
            let frames =
                sidecar.api.figure("outrigger_venue_channel_frames_total{channel=\"ticker\"}").await?;
            ensure!(frames > 0, "no quotes yet");
            Ok(())
        })
        .await?;
        Ok(Pair { exchange, sidecar, _data: data })
    }

    /// Sets one fault on the stream's frames, and takes the rule away once it has hit.
    async fn break_stream(&self, fault: &Value) -> anyhow::Result<()> {
        self.exchange.control(Method::POST, "/faults", Some(fault)).await?;
        wait::until("the fault hits", READY_WITHIN, || async {
            let rules = self.exchange.control(Method::GET, "/faults", None).await?;
            ensure!(rules["faults"][0]["hits"].as_u64() > Some(0), "{rules}");
            Ok(())
        })
        .await?;
        self.exchange.control(Method::DELETE, "/faults", None).await?;
        Ok(())
    }

    /// Waits for a break of the stream and returns its reason, then for the stream to be live again.
    async fn until_found(&self, heal: impl FnOnce() -> anyhow::Result<()>) -> anyhow::Result<String> {
        let begun = Instant::now();
        let mut stream = self.sidecar.api.stream().await?;
        stream.subscribe(&["health".to_owned()]).await?;
        let reason = loop {
            let left = FOUND_WITHIN.saturating_sub(begun.elapsed());
            let Some(frame) = stream.next(left).await? else {
                bail!("not found within {FOUND_WITHIN:?}; {}", self.sidecar.running.log_tail());
            };
            if frame["data"]["state"] == "backing_off" {
                break frame["data"]["reason"].as_str().context("a reason")?.to_owned();
            }
        };
        heal()?;
        self.sidecar.api.ready(LIVE_WITHIN).await.with_context(|| self.sidecar.running.log_tail())?;
        Ok(reason)
    }
}

fn signal(process: &Running, name: &str) -> anyhow::Result<()> {
    let sent = Command::new("kill").args([name, &process.pid().to_string()]).status()?;
    ensure!(sent.success(), "{name} was not sent");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_is_only_half_there_is_found() -> anyhow::Result<()> {
    let pair = Pair::start().await?;
    pair.break_stream(&json!({"socket": "frame", "fault": "half_open", "count": 1})).await?;
    let reason = pair.until_found(|| Ok(())).await?;
    ensure!(reason.contains("ping") || reason.contains("nothing whole"), "{reason}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_venue_that_answers_pings_and_says_nothing_else_is_found() -> anyhow::Result<()> {
    let pair = Pair::start().await?;
    pair.break_stream(&json!({"socket": "frame", "fault": "mute", "count": 1})).await?;
    let reason = pair.until_found(|| Ok(())).await?;
    ensure!(reason.contains("still listens"), "{reason}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_venue_whose_bytes_trickle_is_found() -> anyhow::Result<()> {
    let pair = Pair::start().await?;
    pair.break_stream(&json!({"socket": "frame", "fault": "trickle", "ms": 40, "count": 1})).await?;
    let reason = pair.until_found(|| Ok(())).await?;
    ensure!(reason.contains("ping") || reason.contains("nothing whole"), "{reason}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_venue_that_stands_still_is_found() -> anyhow::Result<()> {
    let pair = Pair::start().await?;
    signal(&pair.exchange.running, "-STOP")?;
    let found = pair.until_found(|| signal(&pair.exchange.running, "-CONT")).await;
    if found.is_err() {
        // A stopped process would not end with the test.
        signal(&pair.exchange.running, "-CONT")?;
    }
    let reason = found?;
    ensure!(reason.contains("ping") || reason.contains("nothing whole"), "{reason}");
    Ok(())
}

/// After it stood still, the first live book is one of a new connection, whose numbers begin anew.
#[tokio::test(flavor = "multi_thread")]
async fn a_suspended_sidecar_serves_no_book_as_live_before_it_was_read_again() -> anyhow::Result<()> {
    let pair = Pair::start().await?;
    let api = &pair.sidecar.api;
    let ticker = wait::until("a live book with a history", READY_WITHIN, || async {
        let markets = api.list("/v1/markets?status=active", "markets").await?;
        for ticker in markets.iter().filter_map(|market| market["ticker"].as_str()) {
            let book = book(api, ticker).await?;
            if book["trust"] == "live" && book["seq"].as_u64() >= Some(400) {
                return Ok(ticker.to_owned());
            }
        }
        bail!("none yet")
    })
    .await?;
    let before = book(api, &ticker).await?;
    ensure!(before["trust"] == "live", "{before}");
    signal(&pair.sidecar.running, "-STOP")?;
    std::thread::sleep(Duration::from_secs(8));
    signal(&pair.sidecar.running, "-CONT")?;
    let (mut live, mut not_live) = (None, 0);
    let until = Instant::now() + LIVE_WITHIN;
    while live.is_none() {
        let book = book(api, &ticker).await?;
        if book["trust"] == "live" {
            live = Some(book);
        } else {
            not_live += 1;
            ensure!(Instant::now() < until, "{book}; {}", pair.sidecar.running.log_tail());
        }
    }
    let live = live.context("a live book")?;
    ensure!(
        live["seq"].as_u64() < before["seq"].as_u64(),
        "{live} was served as live after {before}, and {not_live} answers that were not"
    );
    api.ready(LIVE_WITHIN).await
}

async fn book(api: &Api, ticker: &str) -> anyhow::Result<Value> {
    let answer = api.send(Method::GET, &format!("/v1/markets/{ticker}/book"), None, None).await?;
    Ok(answer.body)
}

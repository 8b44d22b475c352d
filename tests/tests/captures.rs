//! A capture goes the whole way: a sidecar records a busy exchange, the exchange's own tape says that every frame is there
//! byte for byte, and another sidecar on the replay of the capture shows its clients the same books, trades and quotes.
#![allow(clippy::indexing_slicing, reason = "JSON values give null for what is absent")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use outrigger_tests::api::Api;
use outrigger_tests::exchange::Judge;
use outrigger_tests::pair::{Exchange, Sidecar};
use outrigger_tests::process;
use outrigger_tests::recording::{Book, Truth, read};
use outrigger_tests::stream::read_rest_book;
use outrigger_tests::wait;
use outrigger_tests::workspace::say;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::sync::Mutex;

/// One at a time: each is three busy processes.
static ALONE: Mutex<()> = Mutex::const_new(());
const WITHIN: Duration = Duration::from_secs(90);
const STEPS: usize = 80;
const STEP_MS: u64 = 100;
/// Every so many of the exchange's markets is followed.
const EVERY: usize = 8;
/// How often in a row the same count must be seen before nothing more is expected.
const SEEN_IN_A_ROW: usize = 20;
const PAUSE: Duration = Duration::from_millis(100);

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_capture_played_back_shows_a_client_the_same() -> anyhow::Result<()> {
    play(End::Stopped).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_capture_of_a_killed_sidecar_is_good_up_to_the_kill() -> anyhow::Result<()> {
    play(End::Killed).await
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Stopped,
    Killed,
}

async fn play(end: End) -> anyhow::Result<()> {
    let _alone = ALONE.lock().await;
    let scratch = tempfile::tempdir()?;
    let tape = scratch.path().join("tape.jsonl");
    let tape_flag = tape.display().to_string();
    let exchange = Exchange::start(&[
        "--scenario",
        "busy",
        "--seed",
        "5",
        "--time",
        "stepped",
        "--control",
        "--tape",
        &tape_flag,
    ])?;
    let tickers = followed(&exchange).await?;
    let first = exchange.sidecar(&scratch.path().join("first"), &["--markets", &tickers.join(",")])?;
    live(&first.api, &tickers).await.with_context(|| first.running.log_tail())?;
    step(&exchange).await?;
    let frames = settled(&first.api).await?;
    let seen = Seen::read(&first.api, &tickers).await?;
    ensure!(seen.trades.values().any(|trades| trades.len() > 1), "the exchange was not busy");

    let captured = end_with_capture(first, end, frames).await?;
    exchange.running.stop(WITHIN)?;
    let told = frames_of_tape(&tape)?;
    let kept = frames_of_capture(&captured, end)?;
    ensure!(told.len() >= usize::try_from(frames)?, "{} frames on the tape, {frames} received", told.len());
    ensure!(
        kept[..] == told[..kept.len()] && kept.len() as u64 >= frames,
        "the capture differs from what was sent"
    );
    if end == End::Stopped {
        judge(&captured, &seen)?;
    }

    let file = captured.display().to_string();
    let replay = Exchange::start(&["--replay", &file, "--speed", "0"])?;
    let second = replay.sidecar(&scratch.path().join("second"), &["--markets", &tickers.join(",")])?;
    wait::until("the replay shows the same", WITHIN, || async {
        seen.compare(&Seen::read(&second.api, &tickers).await?)
    })
    .await
    .with_context(|| second.running.log_tail())?;
    say(&format!(
        "captures: {end:?}: {} frames, {} markets, the same when played back",
        kept.len(),
        tickers.len()
    ));
    Ok(())
}

/// Returns some of the exchange's markets.
async fn followed(exchange: &Exchange) -> anyhow::Result<Vec<String>> {
    let judge = Judge::new(exchange.addr(), &exchange.key)?;
    let markets = judge.list("/markets?status=open&limit=1000", "markets").await?;
    let tickers =
        markets.iter().step_by(EVERY).filter_map(|market| market["ticker"].as_str().map(str::to_owned));
    let tickers: Vec<String> = tickers.collect();
    ensure!(tickers.len() >= 10, "only {} markets", tickers.len());
    Ok(tickers)
}

async fn live(api: &Api, tickers: &[String]) -> anyhow::Result<()> {
    wait::until("the books are live", WITHIN, || async {
        for ticker in tickers {
            let book = api.get(&format!("/v1/markets/{ticker}/book")).await?;
            ensure!(book["trust"] == "live", "{book}");
        }
        Ok(())
    })
    .await
}

async fn step(exchange: &Exchange) -> anyhow::Result<()> {
    for _ in 0..STEPS {
        exchange.control(Method::POST, "/time", Some(&json!({ "step_ms": STEP_MS }))).await?;
    }
    Ok(())
}

/// Waits until nothing more comes from the exchange, whose time stands still. Returns how many frames came.
async fn settled(api: &Api) -> anyhow::Result<u64> {
    let (mut last, mut in_a_row) = (0, 0);
    while in_a_row < SEEN_IN_A_ROW {
        let now = api.figure("outrigger_venue_frames_total").await?;
        in_a_row = if now == last { in_a_row + 1 } else { 0 };
        last = now;
        tokio::time::sleep(PAUSE).await;
    }
    Ok(last)
}

/// Ends a sidecar and returns its capture, in one file.
async fn end_with_capture(sidecar: Sidecar, end: End, frames: u64) -> anyhow::Result<PathBuf> {
    let Sidecar { running, api, data_dir } = sidecar;
    ensure!(api.figure("outrigger_capture_dropped_total").await? == 0, "frames were dropped");
    match end {
        End::Stopped => drop(running.stop(WITHIN)?),
        End::Killed => {
            wait::until("everything is on disk", WITHIN, || async {
                let on_disk: u64 = captures(&data_dir)?.iter().filter_map(|row| row["frames"].as_u64()).sum();
                ensure!(on_disk >= frames, "{on_disk} of {frames}");
                Ok(())
            })
            .await?;
            running.kill()?;
        }
    }
    let rows = captures(&data_dir)?;
    let state = if end == End::Stopped { "whole" } else { "open" };
    let last = rows.last().context("there is a capture")?;
    ensure!(last["state"] == state && last["missing"] == 0 && last["bytes"].as_u64() > Some(0), "{last}");
    ensure!(rows[0]["connections"] == 1 && rows[0]["commands"].as_u64() > Some(0), "{}", rows[0]);
    // Two if an hour ended meanwhile; captures are joined by appending one to the other.
    let mut joined = Vec::new();
    for row in &rows {
        joined.extend(std::fs::read(row["file"].as_str().context("a file")?)?);
    }
    let path = data_dir.join("joined.jsonl.zst");
    std::fs::write(&path, joined)?;
    Ok(path)
}

/// Runs `outrigger captures`.
fn captures(data_dir: &Path) -> anyhow::Result<Vec<Value>> {
    let mut command = Command::new(process::binary()?);
    command.arg("captures").arg("--json").arg("--data-dir").arg(data_dir);
    let ended = process::run(command, WITHIN)?;
    ensure!(ended.code == Some(0), "{ended:?}");
    let answer: Value = serde_json::from_str(&ended.stdout)?;
    Ok(answer["captures"].as_array().context("a list")?.clone())
}

/// Returns the WebSocket frames the exchange says it sent, as they were.
fn frames_of_tape(path: &Path) -> anyhow::Result<Vec<String>> {
    let text = std::fs::read_to_string(path)?;
    let frame = |line: &str| {
        let (_, rest) = line.strip_prefix(r#"{"socket":"#)?.split_once(r#""frame":"#)?;
        rest.strip_suffix('}').map(str::to_owned)
    };
    Ok(text.lines().filter_map(frame).collect())
}

/// Returns the frames of a capture without what the exchange's tape leaves out: white space at the end.
fn frames_of_capture(path: &Path, end: End) -> anyhow::Result<Vec<String>> {
    let mut reader = zstd::Decoder::new(std::fs::File::open(path)?)?;
    let mut text = Vec::new();
    // A killed recorder leaves a file that ends in the middle; what came before is there.
    let ended = std::io::copy(&mut reader, &mut text);
    ensure!(ended.is_ok() == (end == End::Stopped), "{ended:?}");
    let mut frames = Vec::new();
    for line in String::from_utf8(text)?.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n')) {
        let value: Value = serde_json::from_str(line)?;
        match &value["frame"] {
            Value::Null => {}
            Value::String(text) => frames.push(text.trim_end().to_owned()),
            _ => {
                let (_, rest) = line.split_once(r#""frame":"#).context("a frame")?;
                frames.push(rest.strip_suffix('}').context("an end")?.to_owned());
            }
        }
    }
    Ok(frames)
}

/// Compares what the sidecar showed with what an independent reader makes of its capture.
fn judge(captured: &Path, seen: &Seen) -> anyhow::Result<()> {
    let truth = read(captured)?;
    ensure!(truth.anomalies == 0, "{} anomalies in the capture", truth.anomalies);
    for (ticker, book) in &seen.books {
        ensure!(
            truth.books.get(ticker) == Some(&Truth::Known(book.clone())),
            "{ticker}: the capture says otherwise"
        );
    }
    Ok(())
}

/// What a client of a sidecar is shown.
struct Seen {
    books: BTreeMap<String, Book>,
    trades: BTreeMap<String, Vec<Value>>,
    quotes: BTreeMap<String, Value>,
}

impl Seen {
    async fn read(api: &Api, tickers: &[String]) -> anyhow::Result<Seen> {
        let mut seen = Seen { books: BTreeMap::new(), trades: BTreeMap::new(), quotes: BTreeMap::new() };
        for ticker in tickers {
            let book = api.get(&format!("/v1/markets/{ticker}/book")).await?;
            ensure!(book["trust"] == "live", "{book}");
            seen.books.insert(ticker.clone(), read_rest_book(&book)?);
            let trades = api.get(&format!("/v1/markets/{ticker}/trades?limit=1000")).await?;
            seen.trades.insert(ticker.clone(), trades["trades"].as_array().context("trades")?.clone());
        }
        let mut stream = api.stream().await?;
        let topics: Vec<String> = tickers.iter().map(|ticker| format!("ticker:{ticker}")).collect();
        stream.subscribe(&topics).await?;
        while seen.quotes.len() < tickers.len() {
            let frame = stream.next(Duration::from_secs(10)).await?.context("a quote of every market")?;
            if let Some(ticker) = frame["topic"].as_str().and_then(|topic| topic.strip_prefix("ticker:")) {
                seen.quotes.insert(ticker.to_owned(), frame["data"].clone());
            }
        }
        Ok(seen)
    }

    fn compare(&self, other: &Seen) -> anyhow::Result<()> {
        for (ticker, book) in &self.books {
            ensure!(other.books.get(ticker) == Some(book), "the book of {ticker} differs");
            let (trades, others) = (&self.trades[ticker], &other.trades[ticker]);
            ensure!(trades == others, "{ticker}: {} trades, played back {}", trades.len(), others.len());
            let (quote, others) = (&self.quotes[ticker], &other.quotes[ticker]);
            ensure!(quote == others, "{ticker}: the quote is {quote}, played back {others}");
        }
        Ok(())
    }
}

//! Every recorded session goes the whole way: simulated exchange, socket, feed, books, local API and stream. At its end each
//! book must equal what an independent reader computes from the file (I7), and the stream's book must be the same.
//!
//! `OUTRIGGER_RECORDINGS` names another folder of recordings to play instead.
//!
//! A recording with lost or damaged frames may end in suspect books, never in a wrong one that calls itself live.
#![allow(clippy::indexing_slicing, reason = "JSON values give null for what is absent")]

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use outrigger_tests::api::Api;
use outrigger_tests::pair::Exchange;
use outrigger_tests::recording::{self, Book, Recording, Truth};
use outrigger_tests::stream::{Mirror, Stream, read_rest_book};
use outrigger_tests::wait;
use outrigger_tests::workspace::{self, say};
use reqwest::Method;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// Two at a time: each is three busy processes.
static SLOTS: Semaphore = Semaphore::const_new(2);
const WITHIN: Duration = Duration::from_secs(150);
const MARKETS_WITHIN: Duration = Duration::from_secs(30);
/// A moment without a frame, after which the state is looked at.
const QUIET: Duration = Duration::from_millis(60);
/// How often in a row an ending must be seen before it counts.
const SEEN_IN_A_ROW: usize = 10;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_recording_ends_in_the_right_books() -> anyhow::Result<()> {
    let folder = workspace::recordings();
    let Some(folder) = folder.or_else(|| workspace::shared().map(|shared| shared.join("kalshi/recordings")))
    else {
        say("recordings: SKIPPED, there is no ../shared/kalshi (or OUTRIGGER_SHARED) with recorded sessions");
        return Ok(());
    };
    let mut games = JoinSet::new();
    for path in
        recording::files(&folder)?.into_iter().filter(|path| path.extension().is_none_or(|e| e != "md"))
    {
        let name = path.strip_prefix(&folder).unwrap_or(&path).display().to_string();
        games.spawn(async move { (name.clone(), play_recorded(&name, path).await) });
    }
    let mut played = 0;
    let mut failures = Vec::new();
    while let Some(ended) = games.join_next().await {
        match ended? {
            (_, Ok(carried_books)) => played += usize::from(carried_books),
            (name, Err(error)) => failures.push(format!("{name}: {error:?}")),
        }
    }
    say(&format!("recordings: {played} sessions that carry books played"));
    ensure!(failures.is_empty(), "{}", failures.join("\n"));
    ensure!(played > 0, "no recording under {} carries books", folder.display());
    Ok(())
}

/// Plays a file if it carries books. Returns whether it does.
async fn play_recorded(name: &str, path: PathBuf) -> anyhow::Result<bool> {
    let _slot = SLOTS.acquire().await?;
    let truth = read(&path).await?;
    if truth.snapshots == 0 {
        return Ok(false);
    }
    ensure!(truth.anomalies == 0, "the checker itself finds {} anomalies", truth.anomalies);
    let begun = Instant::now();
    let seen = play(&path, &truth, None).await?;
    let markets = seen.len();
    let streamed: usize = seen.values().map(|mirror| mirror.deltas).sum();
    say(&format!(
        "recordings: {name}: {} deltas, {markets} markets, books right over REST and stream ({streamed} streamed as deltas), {:.1} s",
        truth.deltas,
        begun.elapsed().as_secs_f32()
    ));
    Ok(true)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn anomalies_end_in_suspicion_never_in_a_wrong_book() -> anyhow::Result<()> {
    let folder = workspace::root().join("fixtures/replay");
    let mut played = 0;
    for path in
        recording::files(&folder)?.into_iter().filter(|path| path.extension().is_none_or(|e| e != "md"))
    {
        let _slot = SLOTS.acquire().await?;
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let truth = read(&path).await?;
        let scratch = tempfile::tempdir()?;
        let (path, last_price) = if truth.anomalies > 0 {
            (with_last_quote(&path, scratch.path())?, Some(LAST_PRICE))
        } else {
            (path, None)
        };
        let seen = play(&path, &truth, last_price).await.with_context(|| name.clone())?;
        let trusts: Vec<String> =
            seen.iter().map(|(ticker, mirror)| format!("{ticker} {}", mirror.trust)).collect();
        say(&format!(
            "recordings: fixtures/replay/{name}: {} anomalies, {}",
            truth.anomalies,
            trusts.join(", ")
        ));
        played += 1;
    }
    ensure!(played >= 9, "only {played} fixtures");
    Ok(())
}

async fn read(path: &Path) -> anyhow::Result<Recording> {
    let path = path.to_owned();
    tokio::task::spawn_blocking(move || recording::read(&path)).await?
}

/// A price no fixture quotes: once it is seen, everything before it has been taken in.
const LAST_PRICE: &str = "0.1230";
const LAST_MARKET: &str = "KXFIXTURE-26NOV21-A";

/// Copies a fixture with a quote after its last frame.
fn with_last_quote(path: &Path, scratch: &Path) -> anyhow::Result<PathBuf> {
    let copy = scratch.join("recording.jsonl");
    let mut text = std::fs::read_to_string(path)?;
    if !text.ends_with('\n') {
        text.push('\n');
    }
    let mut file = std::fs::File::create(&copy)?;
    writeln!(
        file,
        r#"{text}{{"recv_ns":1795255300000000000,"conn":1,"frame":{{"type":"ticker","sid":1,"msg":{{"market_id":"00000000-0000-4000-8000-00000000000a","market_ticker":"{LAST_MARKET}","price_dollars":"{LAST_PRICE}","yes_bid_dollars":"0.1200","yes_ask_dollars":"0.1300","volume_fp":"1.00","open_interest_fp":"1.00","dollar_volume":1,"dollar_open_interest":1,"yes_bid_size_fp":"1.00","yes_ask_size_fp":"1.00","last_trade_size_fp":"1.00","ts":1795255300,"ts_ms":1795255300000,"time":"2026-11-21T10:01:40Z"}}}}}}"#
    )?;
    Ok(copy)
}

/// Plays a file through an exchange and a sidecar until its end shows; returns the books as the stream gave them.
async fn play(
    path: &Path,
    truth: &Recording,
    last_price: Option<&str>,
) -> anyhow::Result<BTreeMap<String, Mirror>> {
    let file = path.display().to_string();
    let exchange = Exchange::start(&["--replay", &file, "--speed", "0"])?;
    let data = tempfile::tempdir()?;
    let tickers: Vec<String> = truth.books.keys().cloned().collect();
    let sidecar = exchange.sidecar(data.path(), &["--markets", &tickers.join(",")])?;
    let mut watcher = Watcher::connect(&sidecar.api, &tickers, last_price).await?;
    let until = Instant::now() + WITHIN;
    let mut in_a_row = 0;
    while in_a_row < SEEN_IN_A_ROW {
        watcher.read_until_quiet(until).await?;
        let verdict = watcher.judge(&sidecar.api, truth).await;
        match verdict {
            Ok(()) => in_a_row += 1,
            Err(error) if Instant::now() > until => {
                return Err(error)
                    .with_context(|| format!("log of the sidecar:\n{}", sidecar.running.log_tail()));
            }
            Err(_) => in_a_row = 0,
        }
    }
    Ok(watcher.mirrors)
}

/// Reads the local stream of a sidecar.
struct Watcher {
    stream: Stream,
    mirrors: BTreeMap<String, Mirror>,
    /// The quote that ends the recording, while it has not been seen.
    awaited_price: Option<String>,
}

impl Watcher {
    async fn connect(api: &Api, tickers: &[String], last_price: Option<&str>) -> anyhow::Result<Watcher> {
        let mut topics: Vec<String> = tickers.iter().map(|ticker| format!("book:{ticker}")).collect();
        topics.extend(last_price.map(|_| format!("ticker:{LAST_MARKET}")));
        // A topic of a market that the exchange has not listed yet is refused.
        let stream = wait::until("the markets are known", MARKETS_WITHIN, || async {
            let mut stream = api.stream().await?;
            stream.subscribe(&topics).await?;
            Ok(stream)
        })
        .await?;
        let mirrors = tickers.iter().map(|ticker| (ticker.clone(), Mirror::default())).collect();
        Ok(Watcher { stream, mirrors, awaited_price: last_price.map(str::to_owned) })
    }

    /// Takes in frames until none comes for a moment.
    async fn read_until_quiet(&mut self, until: Instant) -> anyhow::Result<()> {
        while let Some(frame) = self.stream.next(QUIET).await? {
            ensure!(Instant::now() < until + WITHIN, "the stream never falls quiet");
            match frame["topic"].as_str().and_then(|topic| topic.split_once(':')) {
                Some(("book", ticker)) => {
                    let mirror = self.mirrors.get_mut(ticker).with_context(|| format!("unasked {frame}"))?;
                    mirror.apply(&frame)?;
                }
                Some(("ticker", _)) => {
                    let data = frame["data"].to_string();
                    if self.awaited_price.as_ref().is_some_and(|price| data.contains(price.as_str())) {
                        self.awaited_price = None;
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Compares REST and stream with the truth.
    async fn judge(&self, api: &Api, truth: &Recording) -> anyhow::Result<()> {
        ensure!(self.awaited_price.is_none(), "the recording has not ended yet");
        for (ticker, truth_of_book) in &truth.books {
            let mirror = self.mirrors.get(ticker).context("a mirror for each market")?;
            let path = format!("/v1/markets/{ticker}/book");
            let answer = api.send(Method::GET, &path, None, None).await?;
            ensure!(answer.status == 200, "{path}: {} {}", answer.status, answer.body);
            let trust = answer.body["trust"].as_str().unwrap_or_default();
            let rest = read_rest_book(&answer.body)?;
            judge_book(truth_of_book, truth.anomalies > 0, trust, &rest)
                .with_context(|| format!("REST book of {ticker} at seq {}", answer.body["seq"]))?;
            judge_book(truth_of_book, truth.anomalies > 0, &mirror.trust, &mirror.book)
                .with_context(|| format!("streamed book of {ticker} at seq {}", mirror.seq))?;
            ensure!(mirror.trust == trust, "{ticker}: {} on the stream, {trust} over REST", mirror.trust);
            ensure!(mirror.book == rest, "{ticker}: the stream's book differs from REST's");
        }
        Ok(())
    }
}

/// A live book must be right; a book nobody can know must not be live; without anomalies every book must be live.
fn judge_book(truth: &Truth, has_anomalies: bool, trust: &str, book: &Book) -> anyhow::Result<()> {
    match (truth, trust) {
        (Truth::Known(right), "live") => {
            ensure!(book == right, "live and wrong: {}", difference(book, right));
        }
        (Truth::Unknown, "live") => bail!("live after a loss that no snapshot healed"),
        (_, "suspect" | "stale") => ensure!(has_anomalies, "{trust} without an anomaly in the recording"),
        (_, other) => bail!("trust {other:?}"),
    }
    Ok(())
}

/// Returns the levels in which two books differ.
fn difference(book: &Book, right: &Book) -> String {
    let legs = [("yes", &book.yes, &right.yes), ("no", &book.no, &right.no)];
    let mut lines = Vec::new();
    for (leg, have, want) in legs {
        let prices: std::collections::BTreeSet<_> = have.keys().chain(want.keys()).collect();
        for price in prices.into_iter().filter(|price| have.get(price) != want.get(price)) {
            lines.push(format!("{leg} {price}: have {:?}, want {:?}", have.get(price), want.get(price)));
        }
    }
    format!("{} levels differ: {}", lines.len(), lines.into_iter().take(8).collect::<Vec<_>>().join("; "))
}

//! The busy market for as long as one likes: `cargo run --release -p outrigger-tests --bin soak_busy -- 10` (minutes).
//!
//! Starts the exchange (scenario `busy`) and a sidecar as processes, follows every book through the local stream, and says how
//! late each change came: from the exchange's own time of it to this client, that is through wire, ladder and fan-out. At the end
//! trading is paused and every book is compared with the exchange's own. Fails on a gap, a suspect book, a difference,
//! a p99 above 5 ms or memory that grows.
#![allow(
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a soak prints its figures; JSON values give null for what is absent"
)]

use std::collections::BTreeMap;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, ensure};
use outrigger_tests::exchange::Judge;
use outrigger_tests::pair::{Exchange, Sidecar};
use outrigger_tests::stream::{Mirror, Stream};
use outrigger_tests::wait;
use reqwest::Method;
use serde_json::{Value, json};

const WITHIN: Duration = Duration::from_secs(120);
const SAMPLE_EVERY: Duration = Duration::from_secs(10);
/// The first minute fills caches and books; memory and lag are judged after it.
const WARM_UP: Duration = Duration::from_secs(60);
const P99_MAX_MS: u64 = 5;
/// Growth between the medians of the first and the last third of the samples.
const GROWTH_MAX: f64 = 1.05;
/// Buckets of a millisecond, the exchange's resolution; what is later counts in the last.
const LATEST_MS: usize = 10_000;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let minutes: u64 = std::env::args().nth(1).map_or(Ok(10), |text| text.parse()).context("minutes")?;
    let exchange = Exchange::start(&["--scenario", "busy", "--seed", "1", "--control"])?;
    let data = tempfile::tempdir()?;
    let sidecar = exchange.sidecar(data.path(), &[])?;
    sidecar.api.ready(WITHIN).await.with_context(|| sidecar.running.log_tail())?;
    let mut stream = sidecar.api.stream().await?;
    stream.subscribe(&["book:*".to_owned()]).await?;
    let mut run = Run::new();
    run.follow(&mut stream, &sidecar, Duration::from_secs(minutes * 60)).await?;
    run.tell();
    let differ = compare(&exchange, &mut stream, &mut run.books).await?;
    println!("books compared with the exchange's own: {}, different: {differ}", run.books.len());
    run.judge(&sidecar, differ).await
}

/// What was seen.
struct Run {
    books: BTreeMap<String, Mirror>,
    lags: Vec<u64>,
    changes: u64,
    suspect: u64,
    memory_kib: Vec<u64>,
    began: Instant,
    took: Duration,
}

impl Run {
    fn new() -> Run {
        let began = Instant::now();
        Run {
            books: BTreeMap::new(),
            lags: vec![0; LATEST_MS + 1],
            changes: 0,
            suspect: 0,
            memory_kib: Vec::new(),
            began,
            took: Duration::ZERO,
        }
    }

    async fn follow(&mut self, stream: &mut Stream, sidecar: &Sidecar, long: Duration) -> anyhow::Result<()> {
        let mut sampled = self.began;
        while self.began.elapsed() < long + WARM_UP {
            let frame =
                stream.next(Duration::from_secs(5)).await?.context("the stream fell silent or ended")?;
            self.take(&frame)?;
            if sampled.elapsed() >= SAMPLE_EVERY {
                sampled = Instant::now();
                self.sample(sidecar)?;
            }
        }
        self.took = self.began.elapsed().saturating_sub(WARM_UP);
        Ok(())
    }

    fn take(&mut self, frame: &Value) -> anyhow::Result<()> {
        let Some(ticker) = frame["topic"].as_str().and_then(|topic| topic.strip_prefix("book:")) else {
            return Ok(());
        };
        if !self.books.contains_key(ticker) {
            self.books.insert(ticker.to_owned(), Mirror::default());
        }
        let Some(book) = self.books.get_mut(ticker) else { return Ok(()) };
        book.apply(frame)?;
        self.suspect += u64::from(frame["kind"] == "stale");
        if frame["kind"] == "delta" && self.began.elapsed() > WARM_UP {
            let now_ms = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis() as u64;
            let lag_ms = now_ms.saturating_sub(frame["ts_ms"].as_u64().context("ts_ms")?);
            self.lags[LATEST_MS.min(lag_ms as usize)] += 1;
            self.changes += 1;
        }
        Ok(())
    }

    fn sample(&mut self, sidecar: &Sidecar) -> anyhow::Result<()> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", sidecar.running.pid()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("VmRSS")?;
        if self.began.elapsed() > WARM_UP {
            self.memory_kib.push(line.trim().trim_end_matches(" kB").parse()?);
        }
        Ok(())
    }

    /// The lag that `per_mille` of the changes did not exceed.
    fn lag_ms(&self, per_mille: u64) -> u64 {
        let mut seen = 0;
        let wanted = self.changes * per_mille / 1_000;
        let mut until = self.lags.iter().enumerate().filter(|(_, count)| {
            seen += **count;
            seen >= wanted
        });
        until.next().map_or(0, |(ms, _)| ms as u64)
    }

    fn thirds_of_memory(&self) -> (u64, u64) {
        let third = self.memory_kib.len() / 3;
        let median = |samples: &[u64]| {
            let mut sorted = samples.to_vec();
            sorted.sort_unstable();
            sorted.get(sorted.len() / 2).copied().unwrap_or(0)
        };
        (median(&self.memory_kib[..third]), median(&self.memory_kib[self.memory_kib.len() - third..]))
    }

    fn tell(&self) {
        let (first, last) = self.thirds_of_memory();
        println!(
            "{} changes of {} books in {} s, {:.0} a second",
            self.changes,
            self.books.len(),
            self.took.as_secs(),
            self.changes as f64 / self.took.as_secs_f64()
        );
        println!(
            "from the exchange's time of a change to this client: p50 {} ms, p99 {} ms, p99.9 {} ms",
            self.lag_ms(500),
            self.lag_ms(990),
            self.lag_ms(999)
        );
        println!("memory of the sidecar: {first} KiB in the first third, {last} KiB in the last");
    }

    async fn judge(&self, sidecar: &Sidecar, differ: usize) -> anyhow::Result<()> {
        let gaps = sidecar.api.figure("outrigger_book_gaps_total").await?;
        let resyncs = sidecar.api.figure("outrigger_book_resyncs_total").await?;
        println!("gaps {gaps}, resyncs {resyncs}, books that turned suspect or stale {}", self.suspect);
        let (first, last) = self.thirds_of_memory();
        ensure!(differ == 0, "{differ} books differ from the exchange's");
        ensure!(gaps == 0 && resyncs == 0 && self.suspect == 0, "a book was in doubt");
        ensure!(self.lag_ms(990) <= P99_MAX_MS, "p99 is above {P99_MAX_MS} ms");
        ensure!(last as f64 <= first as f64 * GROWTH_MAX, "memory grows");
        Ok(())
    }
}

/// Pauses the exchange, lets what is under way arrive, and counts the books that are not the exchange's.
async fn compare(
    exchange: &Exchange,
    stream: &mut Stream,
    books: &mut BTreeMap<String, Mirror>,
) -> anyhow::Result<usize> {
    exchange.control(Method::POST, "/exchange", Some(&json!({"paused": true}))).await?;
    while let Some(frame) = stream.next(Duration::from_secs(2)).await? {
        let ticker = frame["topic"].as_str().and_then(|topic| topic.strip_prefix("book:"));
        if let Some(book) = ticker.and_then(|ticker| books.get_mut(ticker)) {
            book.apply(&frame)?;
        }
    }
    let judge = Judge::new(exchange.addr(), &exchange.key)?;
    let tickers: Vec<String> = books.keys().cloned().collect();
    let theirs =
        wait::until("the exchange's books", WITHIN, || async { judge.books(&tickers).await }).await?;
    let differ: Vec<&String> = books
        .iter()
        .filter(|(ticker, book)| theirs.get(*ticker) != Some(&book.book))
        .map(|(ticker, _)| ticker)
        .collect();
    differ.iter().for_each(|ticker| println!("{ticker} differs"));
    Ok(differ.len())
}

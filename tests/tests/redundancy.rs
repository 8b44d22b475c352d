//! Two sockets to the exchange, cut one at a time: no book leaves live, no gap is counted, each fill and trade is told once.
//! Then both are cut: every book is stale, and live again soon after (I3, I7).
#![allow(clippy::indexing_slicing, reason = "JSON values give null for what is absent")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use outrigger_tests::agreement;
use outrigger_tests::cutter::Cutter;
use outrigger_tests::exchange::Judge;
use outrigger_tests::pair::{Exchange, Sidecar};
use outrigger_tests::stream::{Stream, read_rest_book};
use outrigger_tests::stream_faults::lane::SCENARIO;
use outrigger_tests::stream_faults::trader::Trader;
use outrigger_tests::stream_faults::witness::Witness;
use outrigger_tests::wait;
use outrigger_tests::workspace::say;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::sync::Mutex;

const READY_WITHIN: Duration = Duration::from_secs(60);
const LIVE_WITHIN: Duration = Duration::from_secs(40);
const CUTS: usize = 4;
/// A strand that was there so long makes up for all the other one loses, on a busy machine too.
const BETWEEN_CUTS: Duration = Duration::from_secs(9);

/// Public trades a client was told: by id, whether each came by the stream.
#[derive(Default)]
struct Told {
    trades: BTreeMap<String, bool>,
    twice: Option<String>,
}

struct World {
    exchange: Exchange,
    cutter: Cutter,
    sidecar: Sidecar,
    witness: Witness,
    told: Arc<Mutex<Told>>,
    markets: Vec<String>,
    _data: tempfile::TempDir,
}

impl World {
    async fn start() -> anyhow::Result<World> {
        let data = tempfile::tempdir()?;
        let (scenario, config) = (data.path().join("scenario.toml"), data.path().join("outrigger.toml"));
        std::fs::write(&scenario, SCENARIO)?;
        std::fs::write(&config, "[streams]\nredundancy = 2\n")?;
        let exchange = Exchange::start(&["--scenario", path(&scenario)?, "--control"])?;
        let cutter = Cutter::start(exchange.addr()).await?;
        let directory = data.path().join("data");
        let sidecar = exchange.sidecar_at(cutter.addr, &directory, &["--config", path(&config)?])?;
        sidecar.api.ready(READY_WITHIN).await.with_context(|| sidecar.running.log_tail())?;
        let rows = sidecar.api.list("/v1/markets?status=active", "markets").await?;
        let markets: Vec<String> =
            rows.iter().filter_map(|row| row["ticker"].as_str().map(str::to_owned)).collect();
        let witness = Witness::start(&sidecar.api).await?;
        let told = Arc::new(Mutex::new(Told::default()));
        let mut stream = sidecar.api.stream().await?;
        let topics: Vec<String> = markets.iter().map(|ticker| format!("trades:{ticker}")).collect();
        stream.subscribe(&topics).await?;
        tokio::spawn(follow_trades(stream, Arc::clone(&told)));
        Ok(World { exchange, cutter, sidecar, witness, told, markets, _data: data })
    }

    /// Waits until both strands are live, and every book is.
    async fn until_whole(&self) -> anyhow::Result<()> {
        wait::until("both strands live", LIVE_WITHIN, || async {
            let record = self.witness.record.lock().await;
            let strands: Vec<&str> = record.strands.values().map(String::as_str).collect();
            ensure!(strands == ["live", "live"], "strands: {strands:?}, stream {}", record.stream);
            ensure!(record.all_live(&self.markets), "not every book is live");
            Ok(())
        })
        .await
        .with_context(|| self.sidecar.running.log_tail())
    }

    async fn metric(&self, name: &str) -> anyhow::Result<u64> {
        let text = self.sidecar.api.get("/metrics").await?;
        let text = text.as_str().context("text")?;
        let line = text.lines().find_map(|line| line.strip_prefix(&format!("{name} ")));
        Ok(line.with_context(|| format!("no {name}"))?.parse()?)
    }

    /// Cuts one socket and looks at what a client sees of it until both are live again.
    async fn cut_one(&self) -> anyhow::Result<()> {
        self.witness.record.lock().await.forget();
        self.cutter.cut(1).await?;
        wait::until("the cut is seen", LIVE_WITHIN, || async {
            let record = self.witness.record.lock().await;
            ensure!(record.states.contains("degraded"), "{:?}, {:?}", record.states, record.strands);
            Ok(())
        })
        .await?;
        self.sidecar.api.ready(Duration::ZERO).await.context("with one socket")?;
        self.until_whole().await?;
        tokio::time::sleep(BETWEEN_CUTS).await;
        let record = self.witness.record.lock().await;
        let trusts: Vec<&str> = record.trusts.iter().map(String::as_str).collect();
        ensure!(trusts == ["live"], "books were {trusts:?}");
        let states: Vec<&str> = record.states.iter().map(String::as_str).collect();
        ensure!(states == ["degraded", "live"], "the stream was {states:?}");
        Ok(())
    }

    /// Stands the exchange still and compares orders, fills, books and trades with it.
    async fn agree(&self, from_ms: i64) -> anyhow::Result<(usize, usize)> {
        let paused = json!({"paused": true});
        self.exchange.control(Method::POST, "/trading", Some(&paused)).await?;
        let judge = Judge::new(self.exchange.addr(), &self.exchange.key)?;
        let api = &self.sidecar.api;
        let fills = wait::until("the account agrees", LIVE_WITHIN, || async {
            let answer = api.send(Method::DELETE, "/v1/orders", None, None).await?;
            ensure!(answer.status == 200, "{} {}", answer.status, answer.body);
            let exchange = agreement::of_exchange(&judge).await?;
            exchange.compare("REST", &agreement::of_rest(api).await?)?;
            exchange.compare("the ledger", &agreement::of_ledger(&self.sidecar.data_dir)?)?;
            let told = self.witness.record.lock().await.fills.len();
            ensure!(told == exchange.fills.len(), "{told} fills told of {}", exchange.fills.len());
            Ok(told)
        })
        .await?;
        wait::until("the books agree", LIVE_WITHIN, || async {
            for ticker in &self.markets {
                let there = judge.get(&format!("/markets/{ticker}/orderbook")).await?;
                let there = &there["orderbook_fp"];
                let there = json!({"yes": there["yes_dollars"], "no": there["no_dollars"]});
                let record = self.witness.record.lock().await;
                let here = record.mirrors.get(ticker).with_context(|| format!("no book {ticker}"))?;
                ensure!(here.book == read_rest_book(&there)?, "{ticker}: {here:?}, there {there}");
            }
            Ok(())
        })
        .await?;
        let trades = trades_of(&judge, &self.markets, from_ms).await?;
        wait::until("every trade is told", LIVE_WITHIN, || async {
            let told = self.told.lock().await;
            let missing: Vec<&String> = trades.iter().filter(|id| !told.trades.contains_key(*id)).collect();
            ensure!(missing.is_empty(), "{} of {} trades missing", missing.len(), trades.len());
            Ok(())
        })
        .await?;
        Ok((fills, trades.len()))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_that_is_cut_takes_nothing_with_it_while_the_other_lives() -> anyhow::Result<()> {
    let world = World::start().await?;
    world.until_whole().await?;
    let from_ms = outrigger_tests::stream_faults::witness::now_ms() + 1_000;
    let trader = Trader::start(&world.sidecar.api, &world.witness.record, &world.markets, "two");
    tokio::time::sleep(BETWEEN_CUTS).await;
    let gaps = "outrigger_book_gaps_total";
    let reads = "outrigger_trade_backfills_total";
    let before = (world.metric(gaps).await?, world.metric(reads).await?);
    for number in 0..CUTS {
        world.cut_one().await.with_context(|| format!("cut {number}"))?;
    }
    let after = (world.metric(gaps).await?, world.metric(reads).await?);
    ensure!(before == after, "gaps and reads of trades: {before:?}, then {after:?}");
    let first = "outrigger_book_strand_first_total";
    let mut firsts = Vec::new();
    for strand in ["1", "2"] {
        firsts.push(world.metric(&format!("{first}{{strand=\"{strand}\"}}")).await?);
    }
    ensure!(firsts.iter().all(|first| *first > 0), "first: {firsts:?}");
    ensure!(world.metric("outrigger_book_strand_duplicates_total").await? > 0, "nothing came twice");

    world.witness.record.lock().await.forget();
    world.cutter.cut(2).await?;
    wait::until("books are stale", LIVE_WITHIN, || async {
        let record = world.witness.record.lock().await;
        ensure!(
            record.trusts.contains("stale") && record.states.contains("backing_off"),
            "{:?}",
            record.trusts
        );
        Ok(())
    })
    .await?;
    world.until_whole().await?;
    world.sidecar.api.ready(LIVE_WITHIN).await?;
    drop(trader);
    let (fills, trades) = world.agree(from_ms).await.with_context(|| world.sidecar.running.log_tail())?;
    ensure!(fills > 0 && trades > 0, "{fills} fills, {trades} trades");
    let told = world.told.lock().await;
    ensure!(told.twice.is_none(), "told twice: {:?}", told.twice);
    let wrong = world.witness.stop().await.wrong;
    ensure!(wrong.is_none(), "{wrong:?}");
    say(&format!("two sockets: {CUTS} cuts of one, {fills} fills, {trades} trades, first {firsts:?}"));
    Ok(())
}

async fn follow_trades(mut stream: Stream, told: Arc<Mutex<Told>>) {
    while !stream.ended() {
        let Ok(Some(frame)) = stream.next(Duration::from_secs(1)).await else { continue };
        let mut told = told.lock().await;
        let is_event = frame["kind"] == "event";
        let rows = match frame["data"]["trades"].as_array() {
            Some(rows) => rows.clone(),
            None => vec![frame["data"].clone()],
        };
        for row in rows {
            let Some(id) = row["trade_id"].as_str() else { continue };
            if told.trades.insert(id.to_owned(), is_event).is_some() {
                told.twice = Some(frame.to_string());
            }
        }
    }
}

/// Returns the ids of the exchange's trades since `from_ms`.
async fn trades_of(judge: &Judge<'_>, markets: &[String], from_ms: i64) -> anyhow::Result<BTreeSet<String>> {
    let mut ids = BTreeSet::new();
    let from = from_ms.div_euclid(1_000) + 1;
    for ticker in markets {
        let path = format!("/markets/trades?limit=1000&ticker={ticker}&min_ts={from}");
        let rows: Vec<Value> = judge.list(&path, "trades").await?;
        ids.extend(rows.iter().filter_map(|row| row["trade_id"].as_str().map(str::to_owned)));
    }
    if ids.is_empty() {
        bail!("no trades at the exchange");
    }
    Ok(ids)
}

fn path(path: &Path) -> anyhow::Result<&str> {
    path.to_str().context("a path of text")
}

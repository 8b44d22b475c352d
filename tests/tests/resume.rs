//! Going on from the last safe point: after a restart, after breaks, on a stream that loses the account's messages.
//!
//! The exchange is another process and the judge. Seeded: `OUTRIGGER_SEED=N` repeats a plan. `OUTRIGGER_OLD_FILLS=N` says how
//! many fills the account has when the sidecar is restarted.
#![allow(clippy::indexing_slicing, reason = "JSON values give null for what is absent")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use outrigger_tests::agreement;
use outrigger_tests::api::Api;
use outrigger_tests::exchange::Judge;
use outrigger_tests::keys::Key;
use outrigger_tests::pair::{Exchange, Sidecar};
use outrigger_tests::process;
use outrigger_tests::random::Random;
use outrigger_tests::recording::scaled;
use outrigger_tests::wait;
use outrigger_tests::workspace::say;
use reqwest::Method;
use rusqlite::{Connection, OpenFlags};
use serde_json::{Value, json};
use tokio::sync::{Mutex, watch};

const READY_WITHIN: Duration = Duration::from_secs(120);
/// I5: within 10 s; the rest is for a busy machine.
const AGREE_WITHIN: Duration = Duration::from_secs(30);
/// Orders of one batch.
const BATCH: usize = 500;
/// Rows of one page, as the sidecar reads them.
const PAGE: u64 = 1_000;

/// A scenario whose members may do as much as they like.
fn scenario(folder: &Path, acts_per_second: u32) -> anyhow::Result<String> {
    let path = folder.join("scenario.toml");
    let text = format!(
        "acts_per_second = {acts_per_second}\nmember_dollars = 100_000_000\n\
         read_tokens_per_second = 20_000\nread_tokens_max = 20_000\n\
         write_tokens_per_second = 20_000_000\nwrite_tokens_max = 20_000_000\n\
         balance_reads_per_second = 100_000\n"
    );
    std::fs::write(&path, text)?;
    Ok(path.display().to_string())
}

/// Returns tickers of markets that stay open for days, with prices on both sides.
async fn long_markets(judge: &Judge<'_>) -> anyhow::Result<Vec<String>> {
    wait::until("long markets with two-sided books", READY_WITHIN, || async {
        let mut rows = judge.list("/markets?status=open&limit=1000", "markets").await?;
        rows.retain(|row| {
            let price = |field: &str| row[field].as_str().and_then(|text| scaled(text, 4)).unwrap_or(0);
            let is_long = ["KXSIMTEMP", "KXSIMRATE", "KXSIMCUP"];
            let ticker = row["ticker"].as_str().unwrap_or_default();
            is_long.iter().any(|series| ticker.starts_with(series))
                && price("yes_bid_dollars") >= 1_000
                && (1..=9_000).contains(&price("yes_ask_dollars"))
        });
        let tickers: Vec<String> =
            rows.iter().filter_map(|row| row["ticker"].as_str().map(str::to_owned)).collect();
        ensure!(tickers.len() >= 4, "only {tickers:?}");
        Ok(tickers)
    })
    .await
}

/// Counts requests of a route at the exchange by a rule that changes nothing.
async fn count(exchange: &Exchange, route: &str) -> anyhow::Result<u64> {
    let rule = json!({"route": route, "fault": "delay", "ms": 0});
    let answer = exchange.control(Method::POST, "/faults", Some(&rule)).await?;
    answer["id"].as_u64().with_context(|| format!("no id in {answer}"))
}

async fn seen(exchange: &Exchange, rule: u64) -> anyhow::Result<u64> {
    let answer = exchange.control(Method::GET, "/faults", None).await?;
    let rules = answer["faults"].as_array().context("faults")?;
    let found =
        rules.iter().find(|found| found["id"] == rule).with_context(|| format!("{rule} in {answer}"))?;
    found["seen"].as_u64().context("seen")
}

/// Gives the account `wanted` fills: another member rests as many orders, and the account takes them all.
async fn trade_before(
    maker: &Judge<'_>,
    account: &Judge<'_>,
    ticker: &str,
    wanted: usize,
) -> anyhow::Result<()> {
    let order = |side: &str, count: &str, id: &str| {
        json!({"ticker": ticker, "side": side, "price": "0.9900", "count": count, "client_order_id": id,
               "time_in_force": "good_till_canceled", "self_trade_prevention_type": "taker_at_cross"})
    };
    for from in (0..wanted).step_by(BATCH) {
        let orders: Vec<Value> = (from..wanted.min(from + BATCH))
            .map(|number| order("ask", "1.00", &format!("{ticker}-{number}")))
            .collect();
        let body = json!({ "orders": orders });
        let (status, answer) =
            maker.send(Method::POST, "/portfolio/events/orders/batched", Some(&body)).await?;
        ensure!(status == 201 && answer["orders"][0]["order_id"].is_string(), "{status} {answer}");
    }
    // The population's own asks are cheaper and are taken as well.
    let all = order("bid", &format!("{}.00", wanted + 4_000), &format!("{ticker}-all"));
    let (status, answer) = account.send(Method::POST, "/portfolio/events/orders", Some(&all)).await?;
    ensure!(status == 201, "{status} {answer}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_reads_a_page_and_an_older_backup_reads_more() -> anyhow::Result<()> {
    let wanted =
        std::env::var("OUTRIGGER_OLD_FILLS").ok().and_then(|n| n.parse().ok()).unwrap_or(4_500_usize);
    let folder = tempfile::tempdir()?;
    let other = Key::make(folder.path(), "maker")?;
    let scenario = scenario(folder.path(), 0)?;
    let flags = ["--scenario", &scenario, "--control", "--time", "stepped", "--key", &other.flag()];
    let exchange = Exchange::start(&flags)?;
    let judge = Judge::new(exchange.addr(), &exchange.key)?;
    let maker = Judge::new(exchange.addr(), &other)?;
    let markets = long_markets(&judge).await?;
    let begun = Instant::now();
    trade_before(&maker, &judge, &markets[0], wanted).await?;
    say(&format!("resume: {wanted} fills made in {:.0} s", begun.elapsed().as_secs_f32()));
    exchange.control(Method::POST, "/time", Some(&json!({"step_ms": 600_000}))).await?;

    let data = tempfile::tempdir()?;
    let whole = first_reads(&exchange, data.path()).await?;
    let pages = u64::try_from(wanted)? / PAGE;
    // The last report may have been cut off by the kill.
    ensure!(whole.fills + 1 >= pages + whole.reports, "a new ledger reads everything: {whole:?}");
    let backup = folder.path().join("backup.sqlite");
    outrigger(&["backup", &backup.display().to_string(), "--data-dir", &data.path().display().to_string()])?;

    exchange.control(Method::POST, "/time", Some(&json!({"step_ms": 600_000}))).await?;
    trade_before(&maker, &judge, &markets[1], 50).await?;
    exchange.control(Method::POST, "/time", Some(&json!({"step_ms": 600_000}))).await?;
    let again = first_reads(&exchange, data.path()).await?;
    say(&format!("resume: first start {whole:?}, restart {again:?}"));
    ensure!(
        (1..=again.reports).contains(&again.fills),
        "a restart reads one page of fills per report: {again:?}"
    );
    ensure!(again.orders <= 2 * again.reports, "and of orders one of each list: {again:?}");

    // The backup knows neither the newest fills nor the newer watermark.
    let restored = tempfile::tempdir()?;
    let to = restored.path().display().to_string();
    outrigger(&["restore", &backup.display().to_string(), "--data-dir", &to])?;
    let restored = first_reads(&exchange, restored.path()).await?;
    ensure!(
        (1..=restored.reports).contains(&restored.fills),
        "still only what is newer than the backup: {restored:?}"
    );
    Ok(())
}

fn outrigger(args: &[&str]) -> anyhow::Result<()> {
    let mut command = std::process::Command::new(process::binary()?);
    command.args(args);
    let ended = process::run(command, READY_WITHIN)?;
    ensure!(ended.code == Some(0), "{args:?}: {ended:?}");
    Ok(())
}

/// Requests of a sidecar from its start until it agrees with the exchange.
#[derive(Debug)]
struct Reads {
    reports: u64,
    fills: u64,
    orders: u64,
}

/// Starts a sidecar, waits until it tells the exchange's story, and kills it.
async fn first_reads(exchange: &Exchange, data: &Path) -> anyhow::Result<Reads> {
    let judge = Judge::new(exchange.addr(), &exchange.key)?;
    let told = agreement::of_exchange(&judge).await?;
    exchange.control(Method::DELETE, "/faults", None).await?;
    let mut rules = Vec::new();
    for route in ["GET /exchange/user_data_timestamp", "GET /portfolio/fills", "GET /portfolio/orders"] {
        rules.push(count(exchange, route).await?);
    }
    let sidecar = exchange.sidecar(data, &[])?;
    sidecar.api.ready(READY_WITHIN).await.with_context(|| sidecar.running.log_tail())?;
    wait::until("the sidecar agrees", READY_WITHIN, || async {
        told.compare("REST", &agreement::of_rest(&sidecar.api).await?)
    })
    .await
    .with_context(|| sidecar.running.log_tail())?;
    sidecar.running.kill()?;
    let mut counts = Vec::new();
    for rule in rules {
        counts.push(seen(exchange, rule).await?);
    }
    told.compare("the ledger", &agreement::of_ledger(data)?)?;
    Ok(Reads { reports: counts[0], fills: counts[1], orders: counts[2] })
}

/// Lost messages of the account, cut connections, kills: then everything is as at the exchange, and the tape is whole.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_is_missed_on_a_stream_that_loses_and_breaks() -> anyhow::Result<()> {
    let seed = Random::seed();
    say(&format!("resume: seed {seed} (repeat the plan with OUTRIGGER_SEED={seed})"));
    let folder = tempfile::tempdir()?;
    let scenario = scenario(folder.path(), 300)?;
    let exchange = Exchange::start(&["--scenario", &scenario, "--control", "--seed", "12"])?;
    let judge = Judge::new(exchange.addr(), &exchange.key)?;
    let markets = long_markets(&judge).await?;
    let data = tempfile::tempdir()?;
    let mut sidecar = exchange.sidecar(data.path(), &[])?;
    sidecar.api.ready(READY_WITHIN).await.with_context(|| sidecar.running.log_tail())?;
    for (channel, percent) in [("fill", 40), ("user_orders", 40), ("market_positions", 40), ("trade", 2)] {
        let rule = json!({"channel": channel, "fault": "drop", "percent": percent, "seed": seed});
        exchange.control(Method::POST, "/faults", Some(&rule)).await?;
    }
    // From here on every trade of these markets must be on the tape.
    let from_ms = newest_on_tape(data.path(), &markets).await?;
    let (announce, current) = watch::channel(Some(sidecar.api.clone()));
    let told = Arc::new(Mutex::new(Told::default()));
    let listener = tokio::spawn(listen(current, markets.clone(), Arc::clone(&told)));

    let mut random = Random::new(seed);
    for round in 0..12_u64 {
        for number in 0..6 {
            place(&sidecar.api, &mut random, &markets, &format!("resume-{seed}-{round}-{number}")).await?;
        }
        tokio::time::sleep(Duration::from_millis(200 + random.below(600))).await;
        if round % 4 == 3 {
            announce.send_replace(None);
            sidecar.running.kill()?;
            tokio::time::sleep(Duration::from_millis(random.below(1_500))).await;
            sidecar = exchange.sidecar(data.path(), &[])?;
            announce.send_replace(Some(sidecar.api.clone()));
            sidecar.api.ready(READY_WITHIN).await.with_context(|| sidecar.running.log_tail())?;
        } else {
            let how = *random.pick(&["drop", "close", "reset"]);
            let refuse_ms = random.below(1_500);
            let body = json!({"how": how, "refuse_ms": refuse_ms});
            exchange.control(Method::POST, "/disconnect", Some(&body)).await?;
        }
    }
    let begun = Instant::now();
    let agreed =
        wait::until("the account agrees", 2 * AGREE_WITHIN, || account_agrees(&judge, &sidecar)).await;
    let fills = agreed.with_context(|| format!("seed {seed}\n{}", sidecar.running.log_tail()))?;
    let took = begun.elapsed();
    let trades = trades_at_exchange(&judge, &markets, from_ms).await?;
    let begun = Instant::now();
    wait::until("the tape is whole", AGREE_WITHIN, || async { tape_is_whole(data.path(), &trades) })
        .await
        .with_context(|| format!("seed {seed}\n{}", sidecar.running.log_tail()))?;
    listener.abort();
    let told = told.lock().await;
    ensure!(told.twice.is_none(), "{:?}", told.twice);
    ensure!(told.backfilled > 0, "no trade was ever read back");
    let figures = figures_of_breaks(&sidecar.api).await?;
    say(&format!(
        "resume: {fills} fills, agreed after {:.1} s; {} trades, on the tape after {:.1} s; {} told, {} read back; {figures:?}",
        took.as_secs_f32(),
        trades.len(),
        begun.elapsed().as_secs_f32(),
        told.seen.len(),
        told.backfilled,
    ));
    Ok(())
}

/// Places an order that crosses or rests where the population will hit it.
async fn place(api: &Api, random: &mut Random, markets: &[String], key: &str) -> anyhow::Result<()> {
    let ticker = random.pick(markets);
    let book = api.get(&format!("/v1/markets/{ticker}/book")).await.unwrap_or_default();
    let best = |leg: &str| book[leg][0][0].as_str().and_then(|text| scaled(text, 4)).unwrap_or(5_000);
    let is_bid = random.below(2) == 0;
    let crosses = random.below(2) == 0;
    let price = match (is_bid, crosses) {
        (true, true) => 10_000 - best("no"),
        (true, false) | (false, true) => best("yes"),
        (false, false) => 10_000 - best("no"),
    };
    let body = json!({
        "ticker": ticker, "side": if is_bid { "bid" } else { "ask" }, "count": "7.00",
        "price": format!("{}.{:04}", price / 10_000, price % 10_000),
    });
    // A refusal in a break is an answer too: what matters is what the exchange has in the end.
    api.send(Method::POST, "/v1/orders", Some(key), Some(&body)).await.ok();
    Ok(())
}

async fn account_agrees(judge: &Judge<'_>, sidecar: &Sidecar) -> anyhow::Result<usize> {
    let exchange = agreement::at_rest(judge, sidecar).await?;
    ensure!(!exchange.fills.is_empty(), "nothing was traded");
    Ok(exchange.fills.len())
}

fn tape(data: &Path) -> anyhow::Result<Connection> {
    Ok(Connection::open_with_flags(data.join("tape.sqlite"), OpenFlags::SQLITE_OPEN_READ_ONLY)?)
}

/// Waits for the first trades on the tape; returns a moment from which on it must be whole.
async fn newest_on_tape(data: &Path, markets: &[String]) -> anyhow::Result<i64> {
    wait::until("trades on the tape", READY_WITHIN, || async {
        let newest: Option<i64> =
            tape(data)?.query_row("SELECT max(ts_ms) FROM trades", [], |row| row.get(0))?;
        newest.with_context(|| format!("no trade of {markets:?} yet"))
    })
    .await
}

/// A trade's market and price in ten-thousandths, by its id.
type Trades = BTreeMap<String, (String, Option<i64>)>;

/// Returns the exchange's trades of these markets from `from_ms` until now.
async fn trades_at_exchange(judge: &Judge<'_>, markets: &[String], from_ms: i64) -> anyhow::Result<Trades> {
    let mut trades = Trades::new();
    let from = from_ms.div_euclid(1_000) + 1;
    for ticker in markets {
        let path = format!("/markets/trades?limit=1000&ticker={ticker}&min_ts={from}");
        for row in judge.list(&path, "trades").await? {
            let id = row["trade_id"].as_str().context("trade_id")?.to_owned();
            let price = row["yes_price_dollars"].as_str().and_then(|text| scaled(text, 4));
            trades.insert(id, (ticker.clone(), price));
        }
    }
    ensure!(!trades.is_empty(), "no trades at the exchange");
    Ok(trades)
}

/// Tells whether every one of these trades is on the tape, as it was and once.
fn tape_is_whole(data: &Path, expected: &Trades) -> anyhow::Result<()> {
    let connection = tape(data)?;
    let mut statement = connection.prepare("SELECT trade_id, ticker, yes_price FROM trades")?;
    let rows = statement.query_map([], |row| {
        Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, row.get::<_, String>(2)?))
    })?;
    let taped: Vec<_> = rows.collect::<Result<_, _>>()?;
    let ids: BTreeSet<&String> = taped.iter().map(|(id, ..)| id).collect();
    ensure!(ids.len() == taped.len(), "a trade twice on the tape");
    for (id, ticker, price) in &taped {
        let of_exchange = expected.get(id);
        let same = of_exchange.is_none_or(|(of, at)| of == ticker && *at == scaled(price, 4));
        ensure!(same, "{id}: tape {ticker} {price}, exchange {of_exchange:?}");
    }
    let missing: Vec<_> = expected.iter().filter(|(id, _)| !ids.contains(id)).collect();
    let (count, of) = (missing.len(), expected.len());
    ensure!(count == 0, "{count} of {of} trades missing, e.g. {:?}", missing.first());
    Ok(())
}

/// Trades of the local stream.
#[derive(Debug, Default)]
struct Told {
    /// By epoch and id.
    seen: BTreeSet<(String, String)>,
    backfilled: usize,
    twice: Option<String>,
}

/// Follows the trades of whichever sidecar is up, with one connection for each.
async fn listen(mut current: watch::Receiver<Option<Api>>, markets: Vec<String>, told: Arc<Mutex<Told>>) {
    let topics: Vec<String> = markets.iter().map(|ticker| format!("trades:{ticker}")).collect();
    loop {
        let Ok(Some(api)) = current.wait_for(Option::is_some).await.map(|api| api.clone()) else { return };
        let Ok(mut stream) = api.stream().await else {
            tokio::time::sleep(Duration::from_millis(40)).await;
            continue;
        };
        if stream.subscribe(&topics).await.is_err() {
            continue;
        }
        while !stream.ended() {
            let Ok(Some(frame)) = stream.next(Duration::from_secs(1)).await else { continue };
            if frame["kind"] == "event" {
                let mut told = told.lock().await;
                let text = |field: &Value| field.as_str().unwrap_or_default().to_owned();
                told.backfilled += usize::from(frame["data"]["backfilled"] == true);
                if !told.seen.insert((text(&frame["epoch"]), text(&frame["data"]["trade_id"]))) {
                    told.twice = Some(format!("told twice: {frame}"));
                }
            }
        }
    }
}

/// Returns the figures of breaks that were not zero.
async fn figures_of_breaks(api: &Api) -> anyhow::Result<BTreeMap<String, f64>> {
    let of_breaks = |name: &str| {
        let name = name.trim_start_matches("outrigger_");
        name.starts_with("account_") || name.starts_with("trade")
    };
    let mut figures = api.figures().await?;
    figures.retain(|name, value| of_breaks(name) && *value > 0.0);
    Ok(figures)
}

//! Markets on demand, the truth about books, and data that is merely quiet: whole processes against the simulated exchange.
#![allow(clippy::indexing_slicing, reason = "JSON values give null for what is absent")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use outrigger_tests::api::Api;
use outrigger_tests::exchange::Judge;
use outrigger_tests::pair::{Exchange, Sidecar};
use outrigger_tests::stream::Mirror;
use outrigger_tests::wait;
use outrigger_tests::workspace::say;
use reqwest::Method;
use serde_json::{Value, json};

const WITHIN: Duration = Duration::from_secs(120);
const BOOKS: usize = 2_000;
/// A client may subscribe to so many topics by default.
const TOPICS_PER_CLIENT: usize = 1_000;
/// How long books are watched where no alarm may be raised.
const WATCHED_FOR: Duration = Duration::from_secs(60);

/// Starts a sidecar with settings of the table `streams`.
fn sidecar(exchange: &Exchange, data: &Path, streams: &str, flags: &[&str]) -> anyhow::Result<Sidecar> {
    let config = write(data, "config.toml", &format!("[streams]\n{streams}\n"))?;
    let config = config.display().to_string();
    exchange.sidecar(data, &[&["--config", &config], flags].concat())
}

fn write(folder: &Path, name: &str, text: &str) -> anyhow::Result<PathBuf> {
    let path = folder.join(name);
    std::fs::write(&path, text)?;
    Ok(path)
}

async fn until_figure(api: &Api, name: &str, wanted: impl Fn(u64) -> bool) -> anyhow::Result<u64> {
    wait::until(name, WITHIN, || async {
        let value = api.figure(name).await?;
        ensure!(wanted(value), "it is {value}");
        Ok(value)
    })
    .await
}

fn two_thousand_markets(folder: &Path) -> anyhow::Result<PathBuf> {
    let mut text = String::from("acts_per_second = 100\n");
    for (number, letter) in ["A", "B", "C", "D"].into_iter().enumerate() {
        text.push_str(&format!(
            "[[series]]\nticker = \"KXSIM{letter}\"\ntitle = \"Series {letter}\"\ncategory = \"Simulation\"\n\
             question = \"Above {{strike}}?\"\nexchange_index = {number}\ngrid = \"linear_cent\"\nmaker_fees = false\n\
             first_strike = 1\nstrike_step = 1\nmarkets = {}\nlasts_s = 86_400\nat_once = 1\n",
            BOOKS / 4
        ));
    }
    write(folder, "many.toml", &text)
}

#[tokio::test(flavor = "multi_thread")]
async fn two_thousand_books_come_when_clients_need_them_and_go_when_they_do_not() -> anyhow::Result<()> {
    let data = tempfile::tempdir()?;
    let scenario = two_thousand_markets(data.path())?;
    let exchange = Exchange::start(&["--scenario", &scenario.display().to_string()])?;
    let streams = "follow = \"needed\"\ngrace_ms = 2_000\ntruth_every_ms = 0";
    let sidecar = sidecar(&exchange, data.path(), streams, &[])?;
    let api = &sidecar.api;
    api.ready(WITHIN).await.with_context(|| sidecar.running.log_tail())?;
    ensure!(api.figure("outrigger_books_wanted").await? == 0, "nobody needs a book yet");
    let markets = wait::until("the list of markets", WITHIN, || async {
        let markets = api.list("/v1/markets?status=active&limit=1000", "markets").await?;
        ensure!(markets.len() == BOOKS, "{} markets", markets.len());
        Ok(markets)
    })
    .await?;
    let topics: Vec<String> =
        markets.iter().filter_map(|row| Some(format!("book:{}", row["ticker"].as_str()?))).collect();

    let begun = Instant::now();
    let mut clients = tokio::task::JoinSet::new();
    for part in topics.chunks(TOPICS_PER_CLIENT) {
        let (mut stream, part) = (api.stream().await?, part.to_vec());
        clients.spawn(async move {
            stream.subscribe(&part).await?;
            let mut live = BTreeSet::new();
            while live.len() < part.len() {
                let frame = stream.next(WITHIN).await?.context("a frame")?;
                if frame["kind"] == "snapshot" && frame["data"]["trust"] == "live" {
                    live.insert(frame["topic"].to_string());
                }
            }
            anyhow::Ok(stream)
        });
    }
    let streams = clients.join_all().await.into_iter().collect::<anyhow::Result<Vec<_>>>()?;
    let took = begun.elapsed();
    say(&format!("markets: {BOOKS} books live {} ms after they were asked for", took.as_millis()));
    until_figure(api, "outrigger_books_live", |live| live == BOOKS as u64).await?;
    ensure!(took < Duration::from_secs(60), "{took:?}");

    drop(streams);
    until_figure(api, "outrigger_books_wanted", |wanted| wanted == 0).await?;
    until_figure(api, "outrigger_books", |books| books == 0).await?;
    // One read brings one back, in time for its answer.
    let ticker = markets[7]["ticker"].as_str().context("a ticker")?;
    let book = api.get(&format!("/v1/markets/{ticker}/book")).await?;
    ensure!(book["trust"] == "live", "{book}");
    until_figure(api, "outrigger_books_wanted", |wanted| wanted == 0).await?;
    ensure!(api.figure("outrigger_venue_connections_total").await? == 1, "all on one connection");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_market_that_does_not_exist_is_said_and_pins_and_positions_are_followed() -> anyhow::Result<()> {
    let exchange = Exchange::start(&["--scenario", "still"])?;
    let judge = Judge::new(exchange.addr(), &exchange.key)?;
    let listed = judge.list("/markets?status=open", "markets").await?;
    let tickers: Vec<&str> = listed.iter().filter_map(|row| row["ticker"].as_str()).collect();
    let (pinned, other) = (tickers[0], tickers[1]);
    let data = tempfile::tempdir()?;
    let streams = "follow = \"needed\"\ngrace_ms = 1_000\ntruth_every_ms = 0";
    let sidecar = sidecar(&exchange, data.path(), streams, &["--markets", &format!("{pinned},KXNONE-1")])?;
    let api = &sidecar.api;
    api.ready(WITHIN).await.with_context(|| sidecar.running.log_tail())?;
    ensure!(api.figure("outrigger_books_live").await? == 1, "ready means that the pinned book is live");

    let answer = api.send(Method::GET, "/v1/markets/KXNONE-2/book", None, None).await?;
    ensure!((answer.status, &answer.body["code"]) == (404, &json!("OUT-MARKET-001")), "{}", answer.body);
    // A market beside the pinned ones is looked up, followed, and kept as long as an order works there.
    let book = api.get(&format!("/v1/markets/{other}/book")).await?;
    ensure!(book["trust"] == "live", "{book}");
    let order = json!({ "ticker": other, "side": "bid", "price": "0.0100", "count": "1.00" });
    let placed = api.send(Method::POST, "/v1/orders", Some("k1"), Some(&order)).await?;
    ensure!(placed.status < 300, "{}", placed.body);
    tokio::time::sleep(Duration::from_secs(4)).await;
    ensure!(api.figure("outrigger_books_wanted").await? == 2, "the pinned one, and the one with an order");
    let id = placed.body["order_id"].as_str().context("an id")?;
    let gone = api.send(Method::DELETE, &format!("/v1/orders/{id}"), None, None).await?;
    ensure!(gone.status < 300, "{}", gone.body);
    until_figure(api, "outrigger_books_wanted", |wanted| wanted == 1).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delta_lost_without_a_trace_is_found_by_the_truth_and_healed() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    // The first change of a book is left out, and no number tells.
    let rule = "[[faults]]\nchannel = \"orderbook_delta\"\nfault = \"drop\"\nconsume_seq = false\nafter_ms = 8_000\ncount = 1\n";
    let faults = write(folder.path(), "faults.toml", rule)?;
    let exchange = Exchange::start(&["--scenario", "still", "--faults", &faults.display().to_string()])?;
    let begun = Instant::now();
    let data = tempfile::tempdir()?;
    let sidecar = sidecar(&exchange, data.path(), "truth_every_ms = 500", &[])?;
    let api = &sidecar.api;
    api.ready(WITHIN).await.with_context(|| sidecar.running.log_tail())?;
    let markets = api.list("/v1/markets?status=active", "markets").await?;
    let ticker = markets[0]["ticker"].as_str().context("a ticker")?.to_owned();
    let mut stream = api.stream().await?;
    stream.subscribe(&[format!("book:{ticker}"), "alerts".to_owned()]).await?;
    until_figure(api, "outrigger_truth_samples_total{result=\"agree\"}", |agree| agree > 0).await?;
    tokio::time::sleep(Duration::from_secs(8).saturating_sub(begun.elapsed())).await;

    let order = json!({ "ticker": ticker, "side": "bid", "price": "0.0100", "count": "7.00" });
    let placed = api.send(Method::POST, "/v1/orders", Some("k1"), Some(&order)).await?;
    ensure!(placed.status < 300, "{}", placed.body);
    let (mut mirror, mut alert, mut was_suspect) = (Mirror::default(), Value::Null, false);
    let until = Instant::now() + WITHIN;
    while !(was_suspect && mirror.trust == "live") {
        ensure!(Instant::now() < until, "not healed: {mirror:?}; {}", sidecar.running.log_tail());
        let Some(frame) = stream.next(Duration::from_secs(1)).await? else { continue };
        if frame["topic"] == "alerts" {
            alert = if frame["kind"] == "event" { frame["data"].clone() } else { alert };
        } else if frame["topic"].is_string() {
            mirror.apply(&frame)?;
            was_suspect |= mirror.trust == "suspect";
        }
    }
    ensure!(alert["code"] == "OUT-BOOK-002", "{alert}");
    ensure!(alert["message"].as_str().is_some_and(|text| text.contains("yes 0.0100")), "{alert}");
    let judge = Judge::new(exchange.addr(), &exchange.key)?;
    let there = judge.books(std::slice::from_ref(&ticker)).await?;
    ensure!(there.get(&ticker) == Some(&mirror.book), "{mirror:?} is not {there:?}");
    ensure!(api.figure("outrigger_truth_samples_total{result=\"differ\"}").await? == 1);
    Ok(())
}

/// Watches a sidecar and returns how many samples agreed; any alarm or difference is an error.
async fn watch_quietly(sidecar: &Sidecar, at_least: u64) -> anyhow::Result<u64> {
    let api = &sidecar.api;
    api.ready(WITHIN).await.with_context(|| sidecar.running.log_tail())?;
    tokio::time::sleep(WATCHED_FOR).await;
    let agree =
        until_figure(api, "outrigger_truth_samples_total{result=\"agree\"}", |n| n >= at_least).await?;
    let all = api.figures().await?;
    for (name, value) in all.iter().filter(|(name, _)| name.contains("data_alarms_total{")) {
        ensure!(*value == 0.0, "{name} {value}: {}", sidecar.running.log_tail());
    }
    let differ = all["outrigger_truth_samples_total{result=\"differ\"}"];
    ensure!(differ == 0.0, "{differ} differences: {}", sidecar.running.log_tail());
    ensure!(all["outrigger_venue_connections_total"] < 1.5, "{}", sidecar.running.log_tail());
    Ok(agree)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_loud_exchange_raises_no_false_alarm() -> anyhow::Result<()> {
    let exchange = Exchange::start(&["--scenario", "busy"])?;
    let data = tempfile::tempdir()?;
    let sidecar = sidecar(&exchange, data.path(), "truth_every_ms = 1_000", &[])?;
    let agree = watch_quietly(&sidecar, 40).await?;
    say(&format!("markets: busy, {agree} samples agree, none differs, no alarm"));
    Ok(())
}

/// An hour of markets that open, trade a little, close and are settled, in a minute.
#[tokio::test(flavor = "multi_thread")]
async fn an_hour_of_quiet_and_closing_markets_raises_no_false_alarm() -> anyhow::Result<()> {
    let mut agreed = Vec::new();
    for scenario in ["still", "settlement-day"] {
        let exchange = Exchange::start(&["--scenario", scenario, "--time", "60x"])?;
        let data = tempfile::tempdir()?;
        let sidecar = sidecar(&exchange, data.path(), "truth_every_ms = 1_000", &[])?;
        agreed.push(format!("{scenario} {}", watch_quietly(&sidecar, 5).await?));
    }
    say(&format!("markets: an hour at 60x, no alarm; samples that agree: {}", agreed.join(", ")));
    Ok(())
}

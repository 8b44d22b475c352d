//! One exchange, and one sidecar after the other at it: each case is a life of the sidecar on the same ledger.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::cases::{FOUND_MS, Fault, Phase, Sees, Until};
use super::trader::Trader;
use super::truth::{Moment, Shown, Truths};
use super::witness::{Record, Witness, now_ms};
use crate::agreement::{self, FillRow, Story};
use crate::exchange::Judge;
use crate::pair::{Exchange, Sidecar};
use crate::wait;

/// For what is no part of a case: starting, and a fault that does not hit.
const READY_WITHIN: Duration = Duration::from_secs(60);
/// Once live again, everything equals the exchange (I5).
const AGREE_WITHIN: Duration = Duration::from_secs(10);
/// Trading goes on this long after everything is live again.
const AFTER: Duration = Duration::from_millis(300);

/// Four markets of one series, and rates that no test exhausts.
pub const SCENARIO: &str = "acts_per_second = 40
member_dollars = 100_000_000
read_tokens_per_second = 20_000
read_tokens_max = 20_000
write_tokens_per_second = 200_000
write_tokens_max = 200_000
balance_reads_per_second = 10_000

[[series]]
ticker = \"KXFAULT\"
title = \"Faults\"
category = \"Climate and Weather\"
question = \"Will it be above {strike}?\"
exchange_index = 0
grid = \"linear_cent\"
maker_fees = true
first_strike = 1
strike_step = 1
markets = 4
lasts_s = 604_800
at_once = 1
";

/// A number that is skipped: every book of the subscription is suspect.
const GAP: &str = r#"{"channel":"orderbook_delta","fault":"gap","count":1}"#;

/// One case: a fault in a phase.
#[derive(Debug, Clone, Copy)]
pub struct Case {
    pub fault: &'static Fault,
    pub phase: Phase,
    pub sees: Sees,
}

/// How a case went.
#[derive(Debug)]
pub struct Ran {
    pub case: Case,
    pub problems: Vec<String>,
    pub found_ms: i64,
    pub live_ms: i64,
    pub agreed_ms: i64,
    pub fills: usize,
    shown: Vec<Shown>,
}

/// An exchange with its tape, and the ledger of the sidecars at it.
pub struct Lane {
    exchange: Exchange,
    markets: Vec<String>,
    tape: PathBuf,
    folder: TempDir,
    number: usize,
}

impl Lane {
    pub async fn start() -> anyhow::Result<Lane> {
        let folder = tempfile::tempdir()?;
        let (scenario, tape) = (folder.path().join("scenario.toml"), folder.path().join("tape.jsonl"));
        std::fs::write(&scenario, SCENARIO)?;
        let (scenario, tape_flag) = (scenario.display().to_string(), tape.display().to_string());
        let exchange = Exchange::start(&["--scenario", &scenario, "--control", "--tape", &tape_flag])?;
        let judge = Judge::new(exchange.addr(), &exchange.key)?;
        let rows = judge.list("/markets?status=open&limit=1000", "markets").await?;
        let markets: Vec<String> =
            rows.iter().filter_map(|row| row["ticker"].as_str().map(str::to_owned)).collect();
        ensure!(markets.len() == 4, "{markets:?}");
        Ok(Lane { exchange, markets, tape, folder, number: 0 })
    }

    /// Carries out one case. An error of its own is one of its problems.
    pub async fn run(&mut self, case: Case) -> Ran {
        self.number += 1;
        let mut ran = Ran {
            case,
            problems: Vec::new(),
            found_ms: 0,
            live_ms: 0,
            agreed_ms: 0,
            fills: 0,
            shown: Vec::new(),
        };
        if let Err(error) = self.attempt(&mut ran).await {
            ran.problems.push(format!("{error:#}"));
        }
        ran
    }

    async fn attempt(&self, ran: &mut Ran) -> anyhow::Result<()> {
        let case = ran.case;
        self.heal().await?;
        self.pause_trading(false).await?;
        let judge = Judge::new(self.exchange.addr(), &self.exchange.key)?;
        let before = agreement::of_exchange(&judge).await?.fills;
        let starts_broken = case.phase == Phase::Start;
        if starts_broken {
            self.set(case.fault.rules).await?;
        }
        let sidecar = self.exchange.sidecar(&self.folder.path().join("data"), &[])?;
        let witness = Witness::start(&sidecar.api).await?;
        let trader =
            Trader::start(&sidecar.api, &witness.record, &self.markets, &format!("case-{}", self.number));
        let outcome = self.break_and_heal(ran, &sidecar, &witness, starts_broken).await;
        let agreed = match outcome {
            Ok(()) => {
                trade_on(&witness).await;
                drop(trader);
                self.agree(ran, &judge, &sidecar, &witness, &before).await
            }
            Err(error) => Err(error),
        };
        let log = if agreed.is_err() { sidecar.running.log_tail() } else { String::new() };
        sidecar.running.kill()?;
        let record = witness.stop().await;
        ran.problems.extend(record.wrong.clone());
        let stream = format!("stream {}; alerts {:?}", record.stream, record.alerts);
        ran.shown = record.shown;
        agreed.with_context(|| format!("{stream}; log\n{log}"))
    }

    /// The fault, what is seen of it, its end, and how long until all is live.
    async fn break_and_heal(
        &self,
        ran: &mut Ran,
        sidecar: &Sidecar,
        witness: &Witness,
        is_broken: bool,
    ) -> anyhow::Result<()> {
        let Case { fault, phase, sees } = ran.case;
        if !is_broken {
            self.until_live(sidecar, witness, 0, READY_WITHIN).await.context("before the fault")?;
            witness.record.lock().await.forget();
            if phase == Phase::Resync {
                self.set(&[GAP]).await?;
            }
            if phase == Phase::Reconnect {
                // Nobody comes back before the rules are set, so that they hit the next connection.
                let cut = json!({"how": "drop", "refuse_ms": 300});
                self.exchange.control(Method::POST, "/disconnect", Some(&cut)).await?;
            }
            self.set(fault.rules).await?;
        }
        let begun = now_ms();
        wait::until("the fault hits", READY_WITHIN, || self.all_hit()).await?;
        match fault.until {
            Until::Ms(ms) => tokio::time::sleep(Duration::from_millis(ms)).await,
            Until::Found => {
                if phase != Phase::Steady {
                    // What was seen until now belongs to how the case began.
                    witness.record.lock().await.forget();
                }
                let found = wait::until("found", Duration::from_millis(FOUND_MS), || async {
                    ensure!(is_seen(&*witness.record.lock().await, sees, phase), "not yet");
                    Ok(())
                });
                if let Err(error) = found.await {
                    ran.problems.push(format!("{error:#}"));
                }
            }
        }
        ran.found_ms = now_ms() - begun;
        self.heal().await?;
        let healed = now_ms();
        let room = Duration::from_millis(3 * fault.live_ms);
        self.until_live(sidecar, witness, healed, room).await.context("live again")?;
        ran.live_ms = now_ms() - healed;
        if ran.live_ms > i64::try_from(fault.live_ms)? {
            ran.problems.push(format!("live again only after {} ms", ran.live_ms));
        }
        let record = witness.record.lock().await;
        if !is_seen(&record, sees, phase) {
            let seen = (&record.trusts, &record.states);
            ran.problems.push(format!("expected {sees:?}, a client saw {seen:?}"));
        }
        Ok(())
    }

    /// Waits until every book is live, one of them by a frame since `since`, and the sidecar says that it is ready.
    async fn until_live(
        &self,
        sidecar: &Sidecar,
        witness: &Witness,
        since: Moment,
        within: Duration,
    ) -> anyhow::Result<()> {
        wait::until("live", within, || async {
            {
                let record = witness.record.lock().await;
                ensure!(record.all_live(&self.markets), "books: {:?}", trusts(&record));
                ensure!(record.book_at > since, "no frame since");
            }
            let answer = sidecar.api.send(Method::GET, "/readyz", None, None).await?;
            ensure!(answer.status == 200, "{}", answer.body);
            Ok(())
        })
        .await
    }

    /// Stands the exchange still and compares everything with it.
    async fn agree(
        &self,
        ran: &mut Ran,
        judge: &Judge<'_>,
        sidecar: &Sidecar,
        witness: &Witness,
        before: &BTreeSet<FillRow>,
    ) -> anyhow::Result<()> {
        self.pause_trading(true).await?;
        let begun = Instant::now();
        let exchange = wait::until("the account agrees", AGREE_WITHIN, || async {
            let exchange = agreement::at_rest(judge, sidecar).await?;
            compare_stream(&exchange, &*witness.record.lock().await, before)?;
            Ok(exchange)
        })
        .await?;
        wait::until("the books agree", AGREE_WITHIN, || self.compare_books(judge, witness)).await?;
        ran.agreed_ms = i64::try_from(begun.elapsed().as_millis())?;
        ran.fills = exchange.fills.difference(before).count();
        ensure!(ran.fills > 0, "nothing was traded");
        Ok(())
    }

    async fn compare_books(&self, judge: &Judge<'_>, witness: &Witness) -> anyhow::Result<()> {
        for (ticker, there) in judge.books(&self.markets).await? {
            let record = witness.record.lock().await;
            let mirror = record.mirrors.get(&ticker).context("a mirror")?;
            ensure!(mirror.trust == "live", "{ticker} is {}", mirror.trust);
            ensure!(mirror.book == there, "{ticker}: {:?} is not {there:?}", mirror.book);
        }
        Ok(())
    }

    async fn set(&self, rules: &[&str]) -> anyhow::Result<()> {
        for rule in rules {
            let rule: Value = serde_json::from_str(rule)?;
            self.exchange.control(Method::POST, "/faults", Some(&rule)).await?;
        }
        Ok(())
    }

    /// Succeeds once a rule of each kind that was set has hit; of several rules, one is enough.
    async fn all_hit(&self) -> anyhow::Result<()> {
        let answer = self.exchange.control(Method::GET, "/faults", None).await?;
        let rules = answer["faults"].as_array().context("faults")?;
        let hits = |rule: &&Value| rule["hits"].as_u64() > Some(0);
        let is_gap = |rule: &&Value| rule["fault"] == "gap" && rule["count"] == 1;
        let (gaps, others): (Vec<&Value>, Vec<&Value>) = rules.iter().partition(is_gap);
        ensure!(gaps.iter().all(hits) && others.iter().any(hits), "{answer}");
        Ok(())
    }

    async fn heal(&self) -> anyhow::Result<()> {
        self.exchange.control(Method::DELETE, "/faults", None).await.map(drop)
    }

    async fn pause_trading(&self, paused: bool) -> anyhow::Result<()> {
        let body = json!({ "paused": paused });
        self.exchange.control(Method::POST, "/trading", Some(&body)).await.map(drop)
    }

    /// Ends the exchange and holds all that was shown as live to its tape. Returns how many states were judged.
    pub fn judge(self, ran: &mut [Ran]) -> anyhow::Result<usize> {
        let Lane { exchange, tape, .. } = self;
        exchange.running.stop(READY_WITHIN)?;
        let truths = Truths::read(&tape)?;
        let mut judged = 0;
        for one in ran {
            let fault = one.case.fault;
            judged += one.shown.len();
            let wrong = |shown: &&Shown| truths.contradicts(shown, fault.late_ms).is_some();
            let untrue: Vec<&Shown> = one.shown.iter().filter(wrong).collect();
            if let Some(first) = untrue.first().filter(|_| !fault.may_be_untrue) {
                let why = truths.contradicts(first, fault.late_ms).unwrap_or_default();
                one.problems
                    .push(format!("{} books served as live were wrong: {first:?}: {why}", untrue.len()));
            }
            let until = untrue.iter().map(|shown| shown.to).max().unwrap_or(0);
            let since = untrue.iter().map(|shown| shown.from).min().unwrap_or(0);
            if until - since > fault.late_ms {
                one.problems.push(format!("wrong books were served as live for {} ms", until - since));
            }
        }
        Ok(judged)
    }
}

/// Lets trading go on a little, at least until there is a fill.
async fn trade_on(witness: &Witness) {
    tokio::time::sleep(AFTER).await;
    // Without one the case fails later, and says so.
    let traded = wait::until("a fill", READY_WITHIN, || async {
        ensure!(!witness.record.lock().await.fills.is_empty(), "none yet");
        Ok(())
    });
    traded.await.ok();
}

/// Compares what the topics `fills` and `orders` told with the exchange: each fill since `before` once, none of before.
fn compare_stream(exchange: &Story, record: &Record, before: &BTreeSet<FillRow>) -> anyhow::Result<()> {
    let mut told = agreement::of_stream(record.orders.values(), record.fills.values())?;
    if let Some(again) = told.fills.intersection(before).next() {
        bail!("a fill of before was told as new: {again:?}");
    }
    let missing = exchange.fills.difference(before).filter(|fill| !told.fills.contains(fill));
    let held = |fill: &&FillRow| record.known_fills.iter().any(|(trade, _)| *trade == fill.trade_id);
    let in_snapshot: Vec<FillRow> = missing.filter(held).cloned().collect();
    told.fills.extend(in_snapshot);
    told.fills.extend(before.iter().cloned());
    exchange.compare("the stream", &told.with_ended_orders_of(exchange))
}

fn trusts(record: &Record) -> Vec<&str> {
    record.mirrors.values().map(|mirror| mirror.trust.as_str()).collect()
}

/// Tells whether a client saw what is expected, and nothing worse.
fn is_seen(record: &Record, sees: Sees, phase: Phase) -> bool {
    let starts = phase == Phase::Start;
    // The first connection may have ended before the client was there.
    let broke = record.states.contains("backing_off") || (starts && record.generation > 1);
    // Before its first snapshot a book is not live and nothing is wrong with it.
    let stale = record.trusts.contains("stale") && !starts;
    let suspect = record.trusts.contains("suspect");
    match sees {
        Sees::Live => !broke && !stale && !suspect,
        Sees::Suspect => !broke && suspect,
        Sees::LiveOrSuspect => !broke,
        Sees::Stale => broke && (stale || starts),
        Sees::SuspectOrStale => broke || suspect,
    }
}

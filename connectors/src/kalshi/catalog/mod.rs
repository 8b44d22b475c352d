//! Keeps the list of markets: loads it, reads it again on a timer and whenever the stream has news, and watches the clock
//! for openings and closings, which the venue does not announce.
//!
//! Never here: books. A list that could not be read changes nothing.

mod plan;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use outrigger_engine::domain::{Catalog, Clock, Market, Ticker};
use outrigger_engine::venue::LifecycleEvent;
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use self::plan::{Plan, status_after};
use super::gateway::Reads;
use super::status::VenueStatus;

const RETRY_AFTER: Duration = Duration::from_secs(1);
/// Several events in a row are answered by one read.
const TICK: Duration = Duration::from_millis(250);
/// Tickers asked for in one request.
const TICKERS_PER_READ: usize = 100;

pub(super) struct Parts {
    pub(super) reads: Reads,
    pub(super) catalog: Arc<Catalog>,
    pub(super) pinned: Option<Vec<Ticker>>,
    pub(super) with_combinations: bool,
    /// Markets somebody needs that are in no list.
    pub(super) look_ups: mpsc::Receiver<Vec<Ticker>>,
    pub(super) status: Arc<VenueStatus>,
    pub(super) clock: Clock,
}

/// Runs until `stop`.
pub(super) async fn keep(
    mut parts: Parts,
    every: Duration,
    mut events: mpsc::Receiver<LifecycleEvent>,
    stop: CancellationToken,
) {
    let work = async {
        let mut plan = Plan::new(parts.pinned.as_ref().map(|pinned| pinned.iter().cloned().collect()));
        let mut load_at = Instant::now();
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                Some(event) = events.recv() => parts.note(&event, &mut plan),
                Some(tickers) = parts.look_ups.recv() => {
                    plan.look_up(tickers, parts.now_ms());
                    parts.look_again(&mut plan).await;
                }
                _ = tick.tick() => {
                    if load_at <= Instant::now() {
                        let is_loaded = parts.load(&mut plan).await;
                        load_at = Instant::now() + if is_loaded { every } else { RETRY_AFTER };
                    }
                    parts.look_again(&mut plan).await;
                }
            }
        }
    };
    tokio::select! {
        biased;
        () = stop.cancelled() => {}
        () = work => {}
    }
}

impl Parts {
    /// Takes over what an event says at once; the rest is read.
    fn note(&self, event: &LifecycleEvent, plan: &mut Plan) {
        if event.is_combo && !self.with_combinations && self.catalog.get(event.ticker.as_str()).is_none() {
            // Combinations come and go by the thousand; only those somebody named are read.
            return;
        }
        if let Some(status) = status_after(&event.event_type) {
            self.catalog.set_status(event.ticker.as_str(), status, event.result.as_deref());
        }
        plan.heard(event, self.now_ms());
    }

    /// Reads every list; tells whether that worked.
    async fn load(&self, plan: &mut Plan) -> bool {
        let loaded = match &self.pinned {
            Some(pinned) => self.load_pinned(pinned, plan).await,
            None => self.load_lists(plan).await,
        };
        match &loaded {
            Ok(()) => self.status.solved("catalog"),
            Err(reason) => self.status.problem("catalog", reason, self.reads.now()),
        }
        loaded.is_ok()
    }

    async fn load_pinned(&self, pinned: &[Ticker], plan: &mut Plan) -> Result<(), String> {
        let markets = self.read(pinned).await?;
        let known: BTreeSet<&Ticker> = markets.iter().map(|market| &market.ticker).collect();
        let missing: Vec<&str> = pinned.iter().filter(|t| !known.contains(t)).map(Ticker::as_str).collect();
        if missing.is_empty() {
            self.status.solved("markets");
        } else {
            let message = format!("the exchange does not know these markets: {}", missing.join(", "));
            self.status.problem("markets", &message, self.reads.now());
        }
        let missing: Vec<Ticker> = pinned.iter().filter(|ticker| !known.contains(ticker)).cloned().collect();
        self.put(markets, plan);
        self.catalog.put_absent(missing);
        Ok(())
    }

    /// Reads all markets that trade or will, then those that have left the lists.
    async fn load_lists(&self, plan: &mut Plan) -> Result<(), String> {
        // Combinations are a hundred times as many as the markets they combine; whoever wants one names it.
        let only = if self.with_combinations { "" } else { "&mve_filter=exclude" };
        let mut listed = Vec::new();
        for status in ["open", "unopened", "paused"] {
            listed.extend(self.reads.markets(&format!("status={status}{only}")).await?);
        }
        let left = plan.left(&self.catalog, &listed);
        self.put(listed, plan);
        let left = self.read(&left).await?;
        self.put(left, plan);
        Ok(())
    }

    /// Reads the markets again that something happened to.
    async fn look_again(&self, plan: &mut Plan) {
        plan.watch_clock(&self.catalog, self.now_ms());
        let due = plan.due(self.now_ms());
        if due.is_empty() {
            return;
        }
        match self.read(&due).await {
            Ok(markets) => {
                let found = markets.iter().map(|market| market.ticker.clone()).collect();
                let absent = plan.answered(&due, &found, self.now_ms());
                self.put(markets, plan);
                self.catalog.put_absent(absent);
            }
            Err(reason) => {
                tracing::warn!(reason, markets = due.len(), "markets could not be read again");
                plan.unanswered(&due, self.now_ms());
            }
        }
    }

    /// Reads single markets. One the venue does not know is missing in the answer.
    async fn read(&self, tickers: &[Ticker]) -> Result<Vec<Market>, String> {
        let mut markets = Vec::new();
        for chunk in tickers.chunks(TICKERS_PER_READ) {
            let tickers: Vec<&str> = chunk.iter().map(Ticker::as_str).collect();
            markets.extend(self.reads.markets(&format!("tickers={}", tickers.join(","))).await?);
        }
        Ok(markets)
    }

    fn put(&self, markets: Vec<Market>, plan: &mut Plan) {
        self.catalog.put(plan.reconcile(markets, self.now_ms()));
    }

    /// The venue's wall clock in milliseconds.
    fn now_ms(&self) -> i64 {
        (self.clock)().wall.millis().saturating_add(self.status.clock_offset_ms())
    }
}

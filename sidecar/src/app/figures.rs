//! How the process stands: the readiness latches, what is degraded, and the figures metrics ask for.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use outrigger_connectors::{BucketFigures, FeedStanding, VenueStatus};
use outrigger_engine::book::{BookCounters, BookStanding};
use outrigger_engine::desk::read_model::ReadModel;
use outrigger_engine::desk::view::OrderStatus;
use outrigger_engine::domain::{Catalog, WallTime};
use outrigger_engine::journal::HaltMode;
use outrigger_engine::risk::Limits;
use outrigger_engine::venue::FeedState;
use serde_json::{Map, Value, json};

use crate::api::ports::{Degraded, LimitsPort, MetricsPort, ReadinessPort, ReadyFlags};
use crate::store::{CaptureStats, LedgerStats};
use crate::telemetry::metrics::{BudgetReading, Figures, Metrics, OrderFigures, StreamReading, VenueFigures};

/// Markets named in one reason.
const NAMED_MAX: usize = 5;

/// Reads what the parts say of themselves; holds no state of its own but "the API is up".
pub(super) struct Standing {
    venue: Arc<VenueStatus>,
    read_model: Arc<ReadModel>,
    ledger: Arc<LedgerStats>,
    books: Arc<BookCounters>,
    standing: Arc<BookStanding>,
    catalog: Arc<Catalog>,
    capture: Arc<CaptureStats>,
    api_up: AtomicBool,
    started: WallTime,
}

impl Standing {
    pub(super) fn new(
        venue: Arc<VenueStatus>,
        read_model: Arc<ReadModel>,
        ledger: Arc<LedgerStats>,
        books: Arc<BookCounters>,
        standing: Arc<BookStanding>,
        catalog: Arc<Catalog>,
        capture: Arc<CaptureStats>,
    ) -> Standing {
        let started = WallTime(jiff::Timestamp::now().as_microsecond());
        let api_up = AtomicBool::new(false);
        Standing { venue, read_model, ledger, books, standing, catalog, capture, api_up, started }
    }

    pub(super) fn api_is_up(&self) {
        self.api_up.store(true, Relaxed);
    }

    pub(super) fn is_trading_open(&self) -> bool {
        self.is_reconciled() && !self.catalog.is_empty()
    }

    fn is_reconciled(&self) -> bool {
        self.read_model.reconciled_as_of_ms.read().is_some()
    }

    /// Every subscription of a strand is acknowledged, and every required book was applied knowing of its very connection.
    fn are_streams_ready(&self) -> bool {
        let live = |strand: &FeedStanding| strand.state == FeedState::Live;
        let strands = self.venue.strands();
        strands
            .iter()
            .filter(|strand| live(strand))
            .any(|strand| self.standing.is_ready_on(strand.generation))
    }

    /// Says what is not as it should be with the books.
    fn about_books(&self) -> Vec<String> {
        let told = self.standing.get();
        let mut reasons = Vec::new();
        if !told.is_catalog_read {
            reasons.push("the list of markets was not read yet".to_owned());
        }
        if !told.missing.is_empty() {
            let missing = told.missing.iter().map(ToString::to_string);
            reasons.push(format!("no snapshot yet of {}", few(missing.collect())));
        }
        let (books, live) = (self.books.books.load(Relaxed), self.books.books_live.load(Relaxed));
        if live < books {
            let suspect = self.books.books_suspect.load(Relaxed);
            reasons
                .push(format!("{} of {books} books are not live, {suspect} of them suspect", books - live));
        }
        if !told.alarms.is_empty() {
            reasons.push(format!("data that should come does not: {}", few(told.alarms)));
        }
        reasons
    }
}

/// Names the first few and counts the rest.
fn few(names: Vec<String>) -> String {
    let more = names.len().saturating_sub(NAMED_MAX);
    let named = names.into_iter().take(NAMED_MAX).collect::<Vec<_>>().join(", ");
    if more == 0 { named } else { format!("{named} and {more} more") }
}

impl ReadinessPort for Standing {
    fn flags(&self) -> ReadyFlags {
        ReadyFlags {
            streams_ready: self.are_streams_ready(),
            rest_ready: self.venue.is_rest_ready(),
            rate_limiter_ready: self.venue.is_limits_read(),
            rehydration_ready: self.is_reconciled(),
            db_worker_ready: self.ledger.is_healthy.load(Relaxed),
            api_routes_ready: self.api_up.load(Relaxed),
        }
    }

    fn degraded(&self) -> Vec<Degraded> {
        let row = |component: &str, reason: String, since: WallTime| Degraded {
            component: component.to_owned(),
            reason,
            since: time_text(since),
        };
        let mut rows = Vec::new();
        let feed = self.venue.feed();
        if feed.state != FeedState::Live {
            rows.push(row("stream", feed.reason.clone(), feed.since));
        }
        let problems = self.venue.problems();
        rows.extend(
            problems.into_iter().map(|(component, problem)| row(component, problem.message, problem.since)),
        );
        rows.extend(self.about_books().into_iter().map(|reason| row("books", reason, feed.since)));
        if !self.is_reconciled() {
            let reason = "the account is not reconciled with the exchange yet; trading is closed".to_owned();
            rows.push(row("account", reason, self.started));
        }
        let halt = self.read_model.halt.read();
        if halt.mode != HaltMode::Active {
            rows.push(row("trading", format!("halted: {}", halt.reason), self.started));
        }
        if !self.ledger.is_healthy.load(Relaxed) {
            rows.push(row("ledger", "the ledger cannot write; trading stopped".to_owned(), self.started));
        }
        rows.extend(self.capture.problem().map(|(problem, since)| row("capture", problem, since)));
        rows
    }
}

fn time_text(at: WallTime) -> String {
    jiff::Timestamp::from_microsecond(at.0).map(|at| format!("{at:.3}")).unwrap_or_default()
}

impl fmt::Debug for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Standing").finish_non_exhaustive()
    }
}

impl Figures for Standing {
    fn venue(&self) -> VenueFigures {
        let counters = self.venue.counters();
        let counter =
            |wanted: &str| counters.iter().find(|(name, _)| *name == wanted).map_or(0, |(_, value)| *value);
        VenueFigures {
            is_connected: self.venue.is_live(),
            connections: counter("connects"),
            reconnections: counter("reconnects"),
            frames: counter("frames"),
            frames_unknown: self.venue.unknown_frames().iter().map(|(_, count)| count).sum(),
            frames_unreadable: counter("unreadable"),
        }
    }

    fn orders(&self) -> OrderFigures {
        let orders = self.read_model.orders.read();
        let count = |wanted: fn(OrderStatus) -> bool| {
            orders.values().filter(|order| wanted(order.status)).count() as u64
        };
        OrderFigures {
            open: count(|status| !status.is_final()),
            unknown: count(|status| status == OrderStatus::Unknown),
        }
    }

    fn is_ready(&self) -> bool {
        self.flags().all()
    }

    fn halt(&self) -> u64 {
        match self.read_model.halt.read().mode {
            HaltMode::Active => 0,
            HaltMode::ReduceOnly => 1,
            HaltMode::Halted => 2,
        }
    }

    fn venue_requests(&self) -> Vec<(&'static str, String, u64)> {
        self.venue.requests()
    }

    fn budget(&self) -> BudgetReading {
        BudgetReading::of(&self.venue)
    }

    fn stream(&self) -> StreamReading {
        StreamReading::of(&self.venue)
    }
}

/// The metrics as text, for the API.
pub(super) struct Rendered(pub(super) Arc<Metrics>);

impl MetricsPort for Rendered {
    fn render(&self) -> String {
        self.0.render()
    }

    fn answered(&self, route: Option<&str>, method: &str, status: u16, took: Duration) {
        self.0.handles.answered(route, method, status, took);
    }
}

/// `GET /v1/limits`: what the risk gate allows, and what is left of the venue's rate budget.
pub(super) struct AccountLimits {
    limits: Limits,
    venue: Arc<VenueStatus>,
}

impl AccountLimits {
    pub(super) fn new(limits: Limits, venue: Arc<VenueStatus>) -> AccountLimits {
        AccountLimits { limits, venue }
    }
}

impl LimitsPort for AccountLimits {
    fn retry_after_s(&self) -> u64 {
        self.venue.retry_after_ms().div_ceil(1_000).max(1)
    }

    fn limits(&self) -> Map<String, Value> {
        let figures = self.venue.budget();
        let waiting: usize =
            figures.lanes.iter().filter(|lane| lane.client == "own").map(|lane| lane.waiting).sum();
        let bucket = |bucket: BucketFigures| {
            json!({
                "bucket": bucket.bucket,
                "tokens_left": bucket.left,
                "capacity": bucket.capacity,
                "refill_per_s": bucket.refill,
                "refill_percent": bucket.percent,
                "waiting": waiting,
            })
        };
        let budget: Vec<Value> = figures.buckets.into_iter().map(bucket).collect();
        let risk = serde_json::to_value(&self.limits).unwrap_or_default();
        Map::from_iter([("risk".to_owned(), risk), ("rate_budget".to_owned(), Value::Array(budget))])
    }
}

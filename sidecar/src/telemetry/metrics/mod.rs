//! The metrics: every family is declared once, with its unit in its name, and rendered as OpenMetrics text.
//!
//! What parts count in their own atomics is read at each scrape; what needs labels or a distribution is a handle the
//! part holds. Label values come from small fixed sets, never from clients.

mod budget;
mod document;
mod family;
mod handles;
mod ledger;
mod process;
mod readings;
mod stream;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

use outrigger_engine::book::BookCounters;
use outrigger_engine::desk::DeskCounters;
use outrigger_engine::stream::StreamStats;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;

use crate::store::{CaptureStats, LedgerStats, TapeStats};

pub use budget::BudgetReading;
pub use document::document;
pub use handles::Handles;
pub use stream::StreamReading;

use family::Kind;
use handles::{
    ClassLabel, DATA_ALARMS, ResultLabel, STRAND_FIRST, StrandLabel, TRUTH_SAMPLES, VENUE_REQUESTS,
    VenueRequestLabels,
};
use process::ProcessFigures;
use readings::READINGS;

/// Panics that did not end the process. The hook that counts them is there before anything else.
pub static PANICS: AtomicU64 = AtomicU64::new(0);

/// What parts count by themselves.
#[derive(Debug, Clone, Default)]
pub struct Counted {
    pub desk: Arc<DeskCounters>,
    pub books: Arc<BookCounters>,
    pub stream: Arc<StreamStats>,
    pub ledger: Arc<LedgerStats>,
    pub tape: Arc<TapeStats>,
    pub capture: Arc<CaptureStats>,
}

/// What is asked of the rest of the process at each scrape.
pub trait Figures: Send + Sync + fmt::Debug {
    fn venue(&self) -> VenueFigures;
    /// Orders that rest, are pending or unknown; and of those, the unknown.
    fn orders(&self) -> OrderFigures;
    /// Every readiness latch is set.
    fn is_ready(&self) -> bool;
    /// 0 active, 1 reduce only, 2 halted.
    fn halt(&self) -> u64;
    /// Requests to the exchange by route and how they were answered, both from small fixed sets.
    fn venue_requests(&self) -> Vec<(&'static str, String, u64)> {
        Vec::new()
    }
    /// The budget of requests, and the breaker.
    fn budget(&self) -> BudgetReading {
        BudgetReading::default()
    }
    /// The exchange's stream.
    fn stream(&self) -> StreamReading {
        StreamReading::default()
    }
}

/// The connection to the exchange.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct VenueFigures {
    pub is_connected: bool,
    pub connections: u64,
    pub reconnections: u64,
    pub frames: u64,
    pub frames_unknown: u64,
    pub frames_unreadable: u64,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct OrderFigures {
    pub open: u64,
    pub unknown: u64,
}

/// The registry with all families.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    pub handles: Handles,
}

impl Metrics {
    pub fn new(counted: Counted, figures: Arc<dyn Figures>) -> Metrics {
        let mut registry = Registry::with_prefix("outrigger");
        let handles = Handles::register(&mut registry);
        registry.register_collector(Box::new(Readings { counted, figures }));
        Metrics { registry, handles }
    }

    /// Returns all metrics as OpenMetrics text.
    pub fn render(&self) -> String {
        let mut text = String::new();
        match encode(&mut text, &self.registry) {
            Ok(()) => text,
            // Writing to a string cannot fail; if it does, a scrape without metrics is seen.
            Err(fmt::Error) => "# EOF\n".to_owned(),
        }
    }
}

/// Everything one scrape reads.
pub(crate) struct Scrape<'a> {
    counted: &'a Counted,
    venue: VenueFigures,
    orders: OrderFigures,
    is_ready: bool,
    halt: u64,
    process: ProcessFigures,
}

#[derive(Debug)]
struct Readings {
    counted: Counted,
    figures: Arc<dyn Figures>,
}

impl Collector for Readings {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let scrape = Scrape {
            counted: &self.counted,
            venue: self.figures.venue(),
            orders: self.figures.orders(),
            is_ready: self.figures.is_ready(),
            halt: self.figures.halt(),
            process: ProcessFigures::read(),
        };
        for (family, read) in READINGS {
            let value = read(&scrape);
            let unit = family.unit();
            match family.kind {
                Kind::Counter => {
                    let metric = ConstCounter::new(value);
                    let kind = metric.metric_type();
                    metric.encode(encoder.encode_descriptor(
                        family.name,
                        family.help,
                        unit.as_ref(),
                        kind,
                    )?)?;
                }
                Kind::Gauge | Kind::Histogram => {
                    let metric = ConstGauge::new(value);
                    let kind = metric.metric_type();
                    metric.encode(encoder.encode_descriptor(
                        family.name,
                        family.help,
                        unit.as_ref(),
                        kind,
                    )?)?;
                }
            }
        }
        let (family, kind) = (&VENUE_REQUESTS, MetricType::Counter);
        let mut requests = encoder.encode_descriptor(family.name, family.help, None, kind)?;
        for (route, status, count) in self.figures.venue_requests() {
            let labels = VenueRequestLabels { route, status };
            ConstCounter::new(count).encode(requests.encode_family(&labels)?)?;
        }
        self.figures.budget().encode(&mut encoder)?;
        self.figures.stream().encode(&mut encoder)?;
        ledger::encode(&self.counted.ledger, &mut encoder)?;
        self.encode_checks(&mut encoder)
    }
}

impl Readings {
    /// Writes what the checks of books counted.
    fn encode_checks(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let (books, kind) = (&self.counted.books, MetricType::Counter);
        let mut samples = encoder.encode_descriptor(TRUTH_SAMPLES.name, TRUTH_SAMPLES.help, None, kind)?;
        for (result, count) in [
            ("agree", &books.truth_agrees),
            ("differ", &books.truth_differs),
            ("undecided", &books.truth_undecided),
        ] {
            let labels = ResultLabel { result };
            ConstCounter::new(count.load(Relaxed)).encode(samples.encode_family(&labels)?)?;
        }
        let mut alarms = encoder.encode_descriptor(DATA_ALARMS.name, DATA_ALARMS.help, None, kind)?;
        for (class, count) in
            [("book", &books.alarms_book), ("trade", &books.alarms_trade), ("ticker", &books.alarms_ticker)]
        {
            let labels = ClassLabel { class };
            ConstCounter::new(count.load(Relaxed)).encode(alarms.encode_family(&labels)?)?;
        }
        let mut first = encoder.encode_descriptor(STRAND_FIRST.name, STRAND_FIRST.help, None, kind)?;
        for (strand, count) in stream::STRANDS.into_iter().zip(&books.strand_first) {
            let labels = StrandLabel { strand };
            ConstCounter::new(count.load(Relaxed)).encode(first.encode_family(&labels)?)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;

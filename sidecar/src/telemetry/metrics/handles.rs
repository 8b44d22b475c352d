//! Families with labels or distributions. A part takes its child once and holds it.

use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family as Labelled;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Metric, Registry};

use super::family::{Family, Kind};

/// `route` is the pattern, never the path a client sent.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct HttpLabels {
    route: String,
    method: &'static str,
    status: u16,
}

/// A request to the exchange: its route and how it was answered, `200` or `timeout`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct VenueRequestLabels {
    pub route: &'static str,
    pub status: String,
}

/// From a tenth of a millisecond, a local answer, to ten seconds, a request given up.
const SECONDS: [f64; 16] =
    [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
const METHODS: [&str; 7] = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];
/// The route whose answer waits for the disk and the exchange.
const ORDER_ROUTE: (&str, &str) = ("POST", "/v1/orders");

const fn labelled(name: &'static str, labels: &'static [&'static str], help: &'static str) -> Family {
    Family { name, unit: None, kind: Kind::Counter, labels, help }
}

const fn timed(name: &'static str, help: &'static str) -> Family {
    Family { name, unit: Some("seconds"), kind: Kind::Histogram, labels: &[], help }
}

const HTTP_REQUESTS: Family =
    labelled("http_requests", &["route", "method", "status"], "Requests of local clients, by route pattern");
const HTTP_SECONDS: Family = timed("http_request", "Time from a local request to its answer");
const ORDER_SECONDS: Family =
    timed("order_answer", "Time from a new local order to its answer, the disk and the exchange included");
/// Counted by the connector, read at each scrape.
pub(super) const VENUE_REQUESTS: Family = labelled(
    "venue_requests",
    &["route", "status"],
    "Requests to the exchange, by route and how they were answered",
);

/// Counted by the book keeper, read at each scrape.
pub(super) const TRUTH_SAMPLES: Family = labelled(
    "truth_samples",
    &["result"],
    "Books read by REST and compared: agree, differ (twice in a row: the book turned suspect), undecided",
);
pub(super) const DATA_ALARMS: Family = labelled(
    "data_alarms",
    &["class"],
    "Times a channel owed data that another one had reported, by class: book, trade, ticker",
);
pub(super) const STRAND_FIRST: Family = labelled(
    "book_strand_first",
    &["strand"],
    "Changes of books that each of two strands was the first to bring",
);

/// Every family of this file.
pub(super) const LABELLED: [Family; 7] =
    [HTTP_REQUESTS, HTTP_SECONDS, ORDER_SECONDS, VENUE_REQUESTS, TRUTH_SAMPLES, DATA_ALARMS, STRAND_FIRST];

/// The one label of a family that has a small fixed set of values.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct ResultLabel {
    pub result: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct ClassLabel {
    pub class: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct StrandLabel {
    pub strand: &'static str,
}

/// What parts hold to count with.
#[derive(Debug, Clone)]
pub struct Handles {
    http_requests: Labelled<HttpLabels, Counter>,
    http_seconds: Histogram,
    order_answer_seconds: Histogram,
}

impl Handles {
    pub(super) fn register(registry: &mut Registry) -> Handles {
        Handles {
            http_requests: add(registry, HTTP_REQUESTS, Labelled::default()),
            http_seconds: add(registry, HTTP_SECONDS, Histogram::new(SECONDS)),
            order_answer_seconds: add(registry, ORDER_SECONDS, Histogram::new(SECONDS)),
        }
    }

    /// Counts an answered request. `route` is a pattern of ours; `None` is a path that matches none.
    pub fn answered(&self, route: Option<&str>, method: &str, status: u16, took: Duration) {
        let seconds = took.as_secs_f64();
        self.http_seconds.observe(seconds);
        if route.is_some_and(|route| (method, route) == ORDER_ROUTE) {
            self.order_answer_seconds.observe(seconds);
        }
        let method = METHODS.into_iter().find(|known| *known == method).unwrap_or("other");
        let labels = HttpLabels { route: route.unwrap_or("unmatched").to_owned(), method, status };
        self.http_requests.get_or_create(&labels).inc();
    }
}

fn add<M: Metric + Clone>(registry: &mut Registry, family: Family, metric: M) -> M {
    match family.unit() {
        Some(unit) => registry.register_with_unit(family.name, family.help, unit, metric.clone()),
        None => registry.register(family.name, family.help, metric.clone()),
    }
    metric
}

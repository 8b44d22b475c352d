//! Families with labels or distributions. A part takes its child once and holds it.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family as Labelled;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Metric, Registry};

use super::family::{Family, Kind};

/// `route` is the pattern, never the path a client sent.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct HttpLabels {
    pub route: &'static str,
    pub method: &'static str,
    pub status: u16,
}

/// A request to the exchange and how it ended: `accepted`, `refused`, `unknown`, `not_sent`, `ok`, `failed`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct RequestLabels {
    pub request: &'static str,
    pub outcome: &'static str,
}

/// What a local client was answered: an order's status, or `rejected`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct OutcomeLabels {
    pub outcome: &'static str,
}

/// The limit that refused an order.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct LimitLabels {
    pub limit: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct ThreadLabels {
    pub thread: &'static str,
}

/// From a tenth of a millisecond, a local answer, to ten seconds, a request given up.
const SECONDS: [f64; 16] =
    [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

fn seconds() -> Histogram {
    Histogram::new(SECONDS)
}

const fn labelled(name: &'static str, labels: &'static [&'static str], help: &'static str) -> Family {
    Family { name, unit: None, kind: Kind::Counter, labels, help }
}

const fn timed(name: &'static str, help: &'static str) -> Family {
    Family { name, unit: Some("seconds"), kind: Kind::Histogram, labels: &[], help }
}

const HTTP_REQUESTS: Family =
    labelled("http_requests", &["route", "method", "status"], "Requests of local clients, by route pattern");
const HTTP_SECONDS: Family = timed("http_request", "Time from a local request to its answer");
const HTTP_PANICS: Family = labelled("panics", &["thread"], "Panics that did not end the process");
const ORDERS: Family =
    labelled("orders", &["outcome"], "Orders of local clients, by what they were answered");
const ORDER_SECONDS: Family =
    timed("order_answer", "Time from a local order to its answer, the disk and the exchange included");
const LIMIT_REFUSALS: Family = labelled("limit_refusals", &["limit"], "Orders refused by a limit");
const VENUE_REQUESTS: Family =
    labelled("venue_requests", &["request", "outcome"], "Requests to the exchange, by how they ended");
const VENUE_SECONDS: Family = timed("venue_request", "Time from a request to the exchange to its answer");

/// Every family of this file.
pub(super) const LABELLED: [Family; 8] = [
    HTTP_REQUESTS,
    HTTP_SECONDS,
    HTTP_PANICS,
    ORDERS,
    ORDER_SECONDS,
    LIMIT_REFUSALS,
    VENUE_REQUESTS,
    VENUE_SECONDS,
];

/// What parts hold to count with.
#[derive(Debug, Clone)]
pub struct Handles {
    pub http_requests: Labelled<HttpLabels, Counter>,
    pub http_seconds: Histogram,
    pub panics: Labelled<ThreadLabels, Counter>,
    pub orders: Labelled<OutcomeLabels, Counter>,
    pub order_answer_seconds: Histogram,
    pub limit_refusals: Labelled<LimitLabels, Counter>,
    pub venue_requests: Labelled<RequestLabels, Counter>,
    pub venue_request_seconds: Histogram,
}

impl Handles {
    pub(super) fn register(registry: &mut Registry) -> Handles {
        Handles {
            http_requests: add(registry, HTTP_REQUESTS, Labelled::default()),
            http_seconds: add(registry, HTTP_SECONDS, seconds()),
            panics: add(registry, HTTP_PANICS, Labelled::default()),
            orders: add(registry, ORDERS, Labelled::default()),
            order_answer_seconds: add(registry, ORDER_SECONDS, seconds()),
            limit_refusals: add(registry, LIMIT_REFUSALS, Labelled::default()),
            venue_requests: add(registry, VENUE_REQUESTS, Labelled::default()),
            venue_request_seconds: add(registry, VENUE_SECONDS, seconds()),
        }
    }
}

fn add<M: Metric + Clone>(registry: &mut Registry, family: Family, metric: M) -> M {
    match family.unit() {
        Some(unit) => registry.register_with_unit(family.name, family.help, unit, metric.clone()),
        None => registry.register(family.name, family.help, metric.clone()),
    }
    metric
}

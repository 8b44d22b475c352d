//! What a family is.

use prometheus_client::registry::Unit;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Counter,
    Gauge,
    Histogram,
}

/// A declaration. The full name is `outrigger_NAME[_UNIT]`, counters end in `_total`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Family {
    pub name: &'static str,
    /// A unit that becomes part of the name, e.g. `seconds`.
    pub unit: Option<&'static str>,
    pub kind: Kind,
    pub labels: &'static [&'static str],
    pub help: &'static str,
}

impl Family {
    pub(super) fn unit(&self) -> Option<Unit> {
        self.unit.map(|unit| Unit::Other(unit.to_owned()))
    }

    /// Returns the name as a scrape shows it.
    pub(super) fn full_name(&self) -> String {
        let unit = self.unit.map(|unit| format!("_{unit}")).unwrap_or_default();
        let total = if self.kind == Kind::Counter { "_total" } else { "" };
        format!("outrigger_{}{unit}{total}", self.name)
    }

    pub(super) const fn kind_name(&self) -> &'static str {
        match self.kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        }
    }
}

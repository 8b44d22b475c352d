//! Families of the rate budget and the breaker: what is left, what was spent, who waited and who was refused.
//!
//! Counted by the connector, read at each scrape. Labels are buckets, lanes, classes of clients and states: all from fixed sets.

use std::fmt;

use outrigger_connectors::{BudgetFigures, LaneFigures, VenueStatus};
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _, MetricEncoder};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

use super::family::{Family, Kind};
use super::stream::{descriptor, histogram, of};

const LEFT: Family =
    of("venue_tokens", Kind::Gauge, &["bucket"], "Tokens left in each modelled bucket of the exchange");
const CAPACITY: Family = of(
    "venue_tokens_capacity",
    Kind::Gauge,
    &["bucket"],
    "Tokens the bucket holds, as the exchange publishes it",
);
const PERCENT: Family = of(
    "venue_refill_percent",
    Kind::Gauge,
    &["bucket"],
    "How much of the published refill is used: less than 100 for a while after a 429",
);
const SPENT: Family = of("venue_tokens_spent", Kind::Counter, &["bucket"], "Tokens spent");
const THROTTLED: Family = of(
    "venue_throttled",
    Kind::Counter,
    &["lane", "client"],
    "Requests the exchange answered with 429, by lane, and whether a local client asked (`client`) or the sidecar itself (`own`)",
);
const GRANTED: Family =
    of("budget_granted", Kind::Counter, &["lane", "client"], "Requests that got their tokens");
const REFUSED: Family = of(
    "budget_refused",
    Kind::Counter,
    &["lane", "client", "reason"],
    "Requests that got no tokens: `late`, `never_fits`, `queue_full`; nothing of them was sent",
);
const WAITING: Family = of("budget_waiting", Kind::Gauge, &["lane"], "Requests that wait for tokens");
const WAITED: Family = Family {
    unit: Some("seconds"),
    ..of("budget_wait", Kind::Histogram, &["lane", "client"], "Time from asking for tokens to having them")
};
const STATE: Family = of(
    "venue_breaker_state",
    Kind::Gauge,
    &["state"],
    "1 for the state of the breaker around the exchange: `closed`, `open`, `half_open`",
);
const ENTERED: Family =
    of("venue_breaker_transitions", Kind::Counter, &["state"], "Times the breaker entered each state");
const BROKEN: Family =
    of("venue_breaker_refused", Kind::Counter, &[], "Requests refused because the exchange does not answer");

/// Every family of this file.
pub(super) const BUDGET: [Family; 12] =
    [LEFT, CAPACITY, PERCENT, SPENT, THROTTLED, GRANTED, REFUSED, WAITING, WAITED, STATE, ENTERED, BROKEN];

/// How the budget and the breaker stand.
#[derive(Debug, Clone, Default)]
pub struct BudgetReading {
    pub(super) budget: BudgetFigures,
    /// State, whether it is so now, how often it was entered.
    pub(super) breaker: Vec<(&'static str, bool, u64)>,
    pub(super) broken: u64,
}

impl BudgetReading {
    /// Reads the figures of a connection.
    pub fn of(venue: &VenueStatus) -> BudgetReading {
        let breaker = venue.breaker();
        BudgetReading { budget: venue.budget(), breaker: breaker.states(), broken: breaker.refused() }
    }

    pub(super) fn encode(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        self.encode_buckets(encoder)?;
        self.encode_lanes(encoder)?;
        let mut states = descriptor(encoder, &STATE, None)?;
        for (state, is_now, _) in &self.breaker {
            ConstGauge::new(u64::from(*is_now)).encode(states.encode_family(&[("state", *state)])?)?;
        }
        let mut entered = descriptor(encoder, &ENTERED, None)?;
        for (state, _, count) in &self.breaker {
            ConstCounter::new(*count).encode(entered.encode_family(&[("state", *state)])?)?;
        }
        ConstCounter::new(self.broken).encode(descriptor(encoder, &BROKEN, None)?)
    }

    fn encode_buckets(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let buckets = &self.budget.buckets;
        for (family, read) in [
            (&LEFT, (|bucket| bucket.left) as fn(&outrigger_connectors::BucketFigures) -> u64),
            (&CAPACITY, |bucket| bucket.capacity.into()),
            (&PERCENT, |bucket| bucket.percent.into()),
        ] {
            let mut described = descriptor(encoder, family, None)?;
            for bucket in buckets {
                let labels = [("bucket", bucket.bucket)];
                ConstGauge::new(read(bucket)).encode(described.encode_family(&labels)?)?;
            }
        }
        let mut spent = descriptor(encoder, &SPENT, None)?;
        for bucket in buckets {
            ConstCounter::new(bucket.spent).encode(spent.encode_family(&[("bucket", bucket.bucket)])?)?;
        }
        Ok(())
    }

    fn encode_lanes(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let lanes = &self.budget.lanes;
        let labels = |lane: &LaneFigures| [("lane", lane.lane), ("client", lane.client)];
        let count = |described: &mut MetricEncoder<'_>, lane: &LaneFigures, count: u64| {
            ConstCounter::new(count).encode(described.encode_family(&labels(lane))?)
        };
        let mut throttled = descriptor(encoder, &THROTTLED, None)?;
        lanes.iter().try_for_each(|lane| count(&mut throttled, lane, lane.throttled))?;
        let mut granted = descriptor(encoder, &GRANTED, None)?;
        lanes.iter().try_for_each(|lane| count(&mut granted, lane, lane.granted))?;
        let mut refused = descriptor(encoder, &REFUSED, None)?;
        for lane in lanes {
            for (reason, count) in &lane.refused {
                let labels = [("lane", lane.lane), ("client", lane.client), ("reason", *reason)];
                ConstCounter::new(*count).encode(refused.encode_family(&labels)?)?;
            }
        }
        let mut waiting = descriptor(encoder, &WAITING, None)?;
        for lane in lanes.iter().filter(|lane| lane.client == "own") {
            let waits = u64::try_from(lane.waiting).unwrap_or(u64::MAX);
            ConstGauge::new(waits).encode(waiting.encode_family(&[("lane", lane.lane)])?)?;
        }
        let unit = WAITED.unit();
        let mut waited = descriptor(encoder, &WAITED, unit.as_ref())?;
        lanes.iter().try_for_each(|lane| histogram(waited.encode_family(&labels(lane))?, &lane.waited))
    }
}

//! Families of the exchange's stream: where it stands, why it broke, how late its frames come, how long until trust is back.
//!
//! Counted by the connector, read at each scrape. Labels are states, kinds of reasons and channels: all from fixed sets.

use std::fmt;

use outrigger_connectors::{ChannelReading, Distribution, VenueStatus};
use outrigger_engine::venue::FeedState;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Unit;

use super::family::{Family, Kind};

pub(super) const fn of(
    name: &'static str,
    kind: Kind,
    labels: &'static [&'static str],
    help: &'static str,
) -> Family {
    Family { name, unit: None, kind, labels, help }
}

const STATE: Family =
    of("venue_stream_state", Kind::Gauge, &["state"], "1 for the state the exchange's stream is in");
const STRAND_STATE: Family = of(
    "venue_strand_state",
    Kind::Gauge,
    &["strand", "state"],
    "1 for the state each strand of the exchange's stream is in; there are two with streams.redundancy 2",
);
const ENTERED: Family = of(
    "venue_stream_transitions",
    Kind::Counter,
    &["state"],
    "Times the exchange's stream entered each state",
);
const ENDINGS: Family = of(
    "venue_stream_endings",
    Kind::Counter,
    &["reason"],
    "Attempts and connections of the exchange's stream that ended, by kind of reason",
);
const FRAMES: Family = of(
    "venue_channel_frames",
    Kind::Counter,
    &["channel"],
    "Frames with content, by channel; their rate is events a second",
);
const LAG: Family = Family {
    unit: Some("seconds"),
    ..of(
        "venue_lag",
        Kind::Histogram,
        &["channel", "since"],
        "Receipt minus the exchange's time, on its clock: since it was `sent` (sending_ts_ms), since the `event` (ts_ms)",
    )
};
const TRUST_BACK: Family = Family {
    unit: Some("seconds"),
    ..of(
        "venue_trust_back",
        Kind::Histogram,
        &[],
        "Time from the end of a live connection until the stream was live again",
    )
};

/// What strands are called in labels.
pub(super) const STRANDS: [&str; 2] = ["1", "2"];

/// Every family of this file.
pub(super) const STREAM: [Family; 7] = [STATE, STRAND_STATE, ENTERED, ENDINGS, FRAMES, LAG, TRUST_BACK];

/// What the stream counted of itself.
#[derive(Debug, Clone, Default)]
pub struct StreamReading {
    pub state: Option<FeedState>,
    pub strands: Vec<FeedState>,
    pub entered: Vec<(&'static str, u64)>,
    pub endings: Vec<(&'static str, u64)>,
    pub channels: Vec<ChannelReading>,
    pub trust_back: Option<Distribution>,
}

impl StreamReading {
    /// Reads the figures of a connection.
    pub fn of(venue: &VenueStatus) -> StreamReading {
        let figures = venue.stream();
        StreamReading {
            state: Some(venue.feed().state),
            strands: venue.strands().iter().map(|strand| strand.state).collect(),
            entered: figures.entered(),
            endings: figures.endings(),
            channels: figures.channels(),
            trust_back: Some(figures.trust_back()),
        }
    }

    pub(super) fn encode(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let mut states = descriptor(encoder, &STATE, None)?;
        for state in FeedState::ALL {
            let is_in = u64::from(self.state == Some(state));
            ConstGauge::new(is_in).encode(states.encode_family(&[("state", state.as_str())])?)?;
        }
        let mut strands = descriptor(encoder, &STRAND_STATE, None)?;
        for (strand, at) in STRANDS.into_iter().zip(&self.strands) {
            for state in FeedState::ALL {
                let labels = [("strand", strand), ("state", state.as_str())];
                ConstGauge::new(u64::from(*at == state)).encode(strands.encode_family(&labels)?)?;
            }
        }
        counters(encoder, &ENTERED, "state", self.entered.iter().copied())?;
        counters(encoder, &ENDINGS, "reason", self.endings.iter().copied())?;
        let frames = self.channels.iter().map(|reading| (reading.channel, reading.frames));
        counters(encoder, &FRAMES, "channel", frames)?;
        let unit = LAG.unit();
        let mut lags = descriptor(encoder, &LAG, unit.as_ref())?;
        for reading in &self.channels {
            for (since, lag) in [("sent", &reading.since_sent), ("event", &reading.since_event)] {
                let labels = [("channel", reading.channel), ("since", since)];
                histogram(lags.encode_family(&labels)?, lag)?;
            }
        }
        let trust_back = descriptor(encoder, &TRUST_BACK, unit.as_ref())?;
        self.trust_back.as_ref().map_or(Ok(()), |waits| histogram(trust_back, waits))
    }
}

/// Begins a family; `unit` is the family's own, kept by whoever writes.
pub(super) fn descriptor<'a>(
    encoder: &'a mut DescriptorEncoder<'_>,
    family: &Family,
    unit: Option<&'a Unit>,
) -> Result<MetricEncoder<'a>, fmt::Error> {
    let kind = match family.kind {
        Kind::Counter => MetricType::Counter,
        Kind::Gauge => MetricType::Gauge,
        Kind::Histogram => MetricType::Histogram,
    };
    encoder.encode_descriptor(family.name, family.help, unit, kind)
}

pub(super) fn counters(
    encoder: &mut DescriptorEncoder<'_>,
    family: &Family,
    label: &'static str,
    counts: impl Iterator<Item = (&'static str, u64)>,
) -> fmt::Result {
    let mut described = descriptor(encoder, family, None)?;
    for (value, count) in counts {
        ConstCounter::new(count).encode(described.encode_family(&[(label, value)])?)?;
    }
    Ok(())
}

/// Writes microseconds as seconds.
pub(super) fn histogram(mut encoder: MetricEncoder<'_>, read: &Distribution) -> fmt::Result {
    let seconds = |us: u64| std::time::Duration::from_micros(us).as_secs_f64();
    let mut buckets: Vec<(f64, u64)> =
        read.buckets.iter().map(|(bound_us, count)| (seconds(*bound_us), *count)).collect();
    buckets.push((f64::INFINITY, read.beyond));
    encoder.encode_histogram::<NoLabelSet>(seconds(read.sum_us), read.count(), &buckets, None)
}

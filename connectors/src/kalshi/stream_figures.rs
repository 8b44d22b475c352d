//! What the stream counts of itself: states entered, why connections ended, how late frames come, how long until trust is back.
//!
//! Labels come from fixed sets: states, kinds of endings, channels.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use outrigger_engine::venue::{Channel, FeedState};
use parking_lot::Mutex;

use super::histogram::{Distribution, Histogram};
use super::normalize::{ALL_CHANNELS, channel_name};

/// Figures of one connection to the stream. Written by the feed, read at each scrape.
#[derive(Debug)]
pub struct StreamFigures {
    entered: [AtomicU64; FeedState::ALL.len()],
    endings: Mutex<BTreeMap<&'static str, u64>>,
    trust_back: Histogram,
    channels: BTreeMap<Channel, ChannelFigures>,
}

#[derive(Debug, Default)]
struct ChannelFigures {
    frames: AtomicU64,
    since_sent: Histogram,
    since_event: Histogram,
}

/// A channel's figures when they were read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChannelReading {
    /// The venue's name of the channel.
    pub channel: &'static str,
    /// Frames with content, acknowledgements not counted.
    pub frames: u64,
    /// Receipt minus the venue's `sending_ts_ms`, both on the venue's clock.
    pub since_sent: Distribution,
    /// Receipt minus the fact's own `ts_ms`, both on the venue's clock.
    pub since_event: Distribution,
}

impl Default for StreamFigures {
    fn default() -> StreamFigures {
        StreamFigures {
            entered: Default::default(),
            endings: Mutex::default(),
            trust_back: Histogram::default(),
            channels: ALL_CHANNELS.into_iter().map(|channel| (channel, ChannelFigures::default())).collect(),
        }
    }
}

impl StreamFigures {
    /// Returns how often each state was entered.
    pub fn entered(&self) -> Vec<(&'static str, u64)> {
        let counts = self.entered.iter().map(|count| count.load(Relaxed));
        FeedState::ALL.into_iter().map(FeedState::as_str).zip(counts).collect()
    }

    /// Returns how many attempts and connections ended for each kind of reason.
    pub fn endings(&self) -> Vec<(&'static str, u64)> {
        self.endings.lock().iter().map(|(kind, count)| (*kind, *count)).collect()
    }

    /// Returns the times from the end of a live connection until the next one was live.
    pub fn trust_back(&self) -> Distribution {
        self.trust_back.read()
    }

    /// Returns each channel's frames and how late they came.
    pub fn channels(&self) -> Vec<ChannelReading> {
        let read = |(channel, figures): (&Channel, &ChannelFigures)| ChannelReading {
            channel: channel_name(*channel),
            frames: figures.frames.load(Relaxed),
            since_sent: figures.since_sent.read(),
            since_event: figures.since_event.read(),
        };
        self.channels.iter().map(read).collect()
    }

    pub(super) fn count_state(&self, state: FeedState) {
        for (of, count) in FeedState::ALL.into_iter().zip(&self.entered) {
            if of == state {
                count.fetch_add(1, Relaxed);
            }
        }
    }

    pub(super) fn count_ending(&self, kind: &'static str) {
        *self.endings.lock().entry(kind).or_default() += 1;
    }

    pub(super) fn trust_is_back(&self, after_ms: u64) {
        self.trust_back.observe_us(after_ms.saturating_mul(1_000));
    }

    /// Counts a frame and its lags in microseconds, where it tells them. A lag below zero is within the clocks' noise.
    pub(super) fn frame(&self, channel: Channel, since_sent_us: Option<i64>, since_event_us: Option<i64>) {
        let Some(figures) = self.channels.get(&channel) else { return };
        figures.frames.fetch_add(1, Relaxed);
        for (histogram, lag_us) in
            [(&figures.since_sent, since_sent_us), (&figures.since_event, since_event_us)]
        {
            if let Some(lag_us) = lag_us {
                histogram.observe_us(u64::try_from(lag_us).unwrap_or(0));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use outrigger_engine::venue::{Channel, FeedState};

    use super::StreamFigures;

    #[test]
    fn what_is_counted_is_read_under_its_name() {
        let figures = StreamFigures::default();
        figures.count_state(FeedState::Degraded);
        assert!(figures.entered().contains(&("degraded", 1)) && figures.entered().contains(&("live", 0)));
        figures.count_ending("tls");
        figures.count_ending("tls");
        assert_eq!(figures.endings(), [("tls", 2)]);
        figures.frame(Channel::Trade, Some(-5), None);
        figures.frame(Channel::Trade, Some(2_000), Some(1_500));
        let trade = figures.channels().into_iter().find(|reading| reading.channel == "trade").unwrap();
        assert_eq!((trade.frames, trade.since_sent.count(), trade.since_event.count()), (2, 2, 1));
        assert_eq!(trade.since_sent.sum_us, 2_000);
    }
}

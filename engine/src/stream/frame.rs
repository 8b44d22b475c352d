//! How frames are written. Each is written once, whatever the number of clients.

use std::fmt::Write as _;

use bytestring::ByteString;
use serde::Serialize;

use super::window::Frame;
use crate::book::Trust;
use crate::domain::{Count, Leg, Price, Received, Ticker, VenueTime};
use crate::venue::PublicTrade;

/// What a frame tells, as clients see it in `kind`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FrameKind {
    /// Replaces whatever the client held of the topic.
    Snapshot,
    /// Changes parts of what the last snapshot or delta left.
    Delta,
    /// Something that happened, in full.
    Event,
    /// The book must not be traded on until `live` or a live snapshot.
    Stale,
    /// The book may be traded on again.
    Live,
}

impl FrameKind {
    pub const fn as_str(self) -> &'static str {
        match self {
            FrameKind::Snapshot => "snapshot",
            FrameKind::Delta => "delta",
            FrameKind::Event => "event",
            FrameKind::Stale => "stale",
            FrameKind::Live => "live",
        }
    }
}

/// When the fact happened at the venue, and when it reached this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FrameTimes {
    /// The venue's time where it gave one, otherwise ours.
    pub(super) ts_ms: i64,
    pub(super) recv_us: i64,
}

impl FrameTimes {
    pub(super) fn new(venue_time: Option<VenueTime>, received: Received) -> FrameTimes {
        let ts_ms = venue_time.map_or(received.wall.millis(), |time| time.0);
        FrameTimes { ts_ms, recv_us: received.wall.0 }
    }
}

/// Returns a frame's text up to its offset, the same for every frame of a topic.
pub(super) fn prefix(topic: &str, epoch: &str) -> String {
    format!("{{\"topic\":{},\"epoch\":{},\"offset\":", json(topic), json(epoch))
}

/// Writes a whole frame. `data` writes one JSON value.
pub(super) fn encode(
    prefix: &str,
    offset: u64,
    kind: FrameKind,
    times: FrameTimes,
    data: impl FnOnce(&mut String),
) -> Frame {
    let mut text = String::with_capacity(prefix.len() + 256);
    text.push_str(prefix);
    // Writing to a String cannot fail.
    let _ = write!(
        text,
        "{offset},\"kind\":\"{}\",\"ts_ms\":{},\"recv_us\":{},\"data\":",
        kind.as_str(),
        times.ts_ms,
        times.recv_us
    );
    let data_at = text.len();
    data(&mut text);
    text.push('}');
    Frame { text: ByteString::from(text), data_at }
}

/// Writes any of our own serializable values. They have string keys and no floats, so they always serialize.
pub(super) fn json<T: Serialize + ?Sized>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_else(|_| "null".to_owned())
}

/// One level's new size, in the shape of a book that lists nothing else.
pub(super) struct LevelChange<'a> {
    pub(super) ticker: &'a Ticker,
    pub(super) seq: u64,
    pub(super) trust: Trust,
    pub(super) leg: Leg,
    pub(super) price: Price,
    pub(super) count: Count,
}

impl LevelChange<'_> {
    /// By hand, because it is the frame there are most of.
    pub(super) fn write(&self, text: &mut String) {
        let (price, count) = (self.price, self.count);
        let ticker = json(self.ticker);
        let trust = trust_word(self.trust);
        let _ = write!(text, "{{\"ticker\":{ticker},\"seq\":{},\"trust\":\"{trust}\",", self.seq);
        let _ = match self.leg {
            Leg::Yes => write!(text, "\"yes\":[[\"{price}\",\"{count}\"]],\"no\":[]}}"),
            Leg::No => write!(text, "\"yes\":[],\"no\":[[\"{price}\",\"{count}\"]]}}"),
        };
    }
}

/// A public trade; `backfilled` is there only when it is true.
#[derive(Debug, Serialize)]
pub(super) struct TradeRow<'a> {
    #[serde(flatten)]
    pub(super) trade: &'a PublicTrade,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) backfilled: bool,
}

/// Why a book's trust changed.
#[derive(Debug, Serialize)]
pub(super) struct TrustChange<'a> {
    pub(super) ticker: &'a Ticker,
    pub(super) trust: Trust,
    pub(super) reason: &'a str,
}

pub(super) const fn trust_word(trust: Trust) -> &'static str {
    match trust {
        Trust::Live => "live",
        Trust::Suspect => "suspect",
        Trust::Stale => "stale",
    }
}

#[cfg(test)]
mod tests {
    use super::{FrameKind, FrameTimes, LevelChange, encode, prefix};
    use crate::book::Trust;
    use crate::domain::Leg;

    #[test]
    fn a_delta_has_the_books_shape_and_its_data_can_be_cut_out() {
        let ticker = "KXA-1".into();
        let change = LevelChange {
            ticker: &ticker,
            seq: 9,
            trust: Trust::Live,
            leg: Leg::No,
            price: "0.48".parse().unwrap(),
            count: "0".parse().unwrap(),
        };
        let times = FrameTimes { ts_ms: 1, recv_us: 1002 };
        let frame =
            encode(&prefix("book:KXA-1", "e1"), 7, FrameKind::Delta, times, |text| change.write(text));
        let data = r#"{"ticker":"KXA-1","seq":9,"trust":"live","yes":[],"no":[["0.4800","0.00"]]}"#;
        assert_eq!(frame.data(), data);
        let head = r#"{"topic":"book:KXA-1","epoch":"e1","offset":7,"kind":"delta","ts_ms":1,"recv_us":1002,"data":"#;
        assert_eq!(&frame.text[..], format!("{head}{data}}}"));
    }
}

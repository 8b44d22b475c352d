//! The parts of a recorded frame that a replay must know, found without disturbing the rest.
//!
//! A frame is passed on byte for byte except for the values of `sid`, `seq` and, for clients that asked for
//! YES prices, the prices of the NO side. [`Frame`] borrows the text and remembers where those values stand.

use std::borrow::Cow;
use std::ops::Range;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::number::{DOLLAR, Price, format_price, parse_price};

#[derive(Deserialize)]
struct Head<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    sid: Option<&'a RawValue>,
    #[serde(borrow)]
    seq: Option<&'a RawValue>,
    #[serde(borrow)]
    msg: Option<&'a RawValue>,
}

/// The fields of `msg` that decide who gets the frame and what it does to a book.
#[derive(Deserialize, Default)]
pub(super) struct Message<'a> {
    #[serde(borrow, alias = "ticker")]
    pub(super) market_ticker: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(super) market_id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(super) channel: Option<Cow<'a, str>>,
    pub(super) sid: Option<u64>,
    pub(super) code: Option<u64>,
    #[serde(borrow)]
    pub(super) side: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(super) price_dollars: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) delta_fp: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) yes_dollars_fp: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) no_dollars_fp: Option<&'a RawValue>,
}

/// A recorded frame that is JSON and has a type.
pub(super) struct Frame<'a> {
    text: &'a str,
    pub(super) kind: Cow<'a, str>,
    pub(super) sid: Option<u64>,
    pub(super) seq: Option<u64>,
    pub(super) message: Message<'a>,
    sid_at: Option<Range<usize>>,
    seq_at: Option<Range<usize>>,
}

impl<'a> Frame<'a> {
    /// Reads a frame; none if it is not JSON with a `type`.
    pub(super) fn parse(bytes: &'a [u8]) -> Option<Self> {
        let text = std::str::from_utf8(bytes).ok()?;
        let head: Head<'a> = serde_json::from_str(text).ok()?;
        let message = head.msg.and_then(|msg| serde_json::from_str(msg.get()).ok()).unwrap_or_default();
        Some(Self {
            text,
            kind: head.kind,
            sid: head.sid.and_then(number),
            seq: head.seq.and_then(number),
            message,
            sid_at: head.sid.and_then(|value| place(text, value)),
            seq_at: head.seq.and_then(|value| place(text, value)),
        })
    }

    /// Appends the frame without a trailing newline, with new `sid` and `seq` where it has them.
    pub(super) fn rewrite(&self, to: &mut Vec<u8>, sid: u64, seq: Option<u64>, yes_prices: bool) {
        let mut changes: Vec<(Range<usize>, String)> = Vec::with_capacity(3);
        if let Some(at) = &self.sid_at {
            changes.push((at.clone(), sid.to_string()));
        }
        if let (Some(at), Some(seq)) = (&self.seq_at, seq) {
            changes.push((at.clone(), seq.to_string()));
        }
        if yes_prices {
            self.flip_no_prices(&mut changes);
        }
        changes.sort_by_key(|(at, _)| at.start);
        let mut copied = 0;
        for (at, value) in &changes {
            to.extend_from_slice(self.text.get(copied..at.start).unwrap_or_default().as_bytes());
            to.extend_from_slice(value.as_bytes());
            copied = at.end;
        }
        to.extend_from_slice(self.text.get(copied..).unwrap_or_default().trim_end().as_bytes());
    }

    /// Lists the changes that report the NO side at its YES price. A value that is no price stays as it is.
    fn flip_no_prices(&self, changes: &mut Vec<(Range<usize>, String)>) {
        let mut flip = |value: &RawValue| {
            if let (Some(at), Some(price)) = (place(self.text, value), price_of(value)) {
                changes.push((at, format!("\"{}\"", format_price(DOLLAR - price))));
            }
        };
        if let (Some("no"), Some(price)) = (self.message.side.as_deref(), self.message.price_dollars) {
            flip(price);
        }
        for (price, _) in self.message.no_dollars_fp.and_then(levels).unwrap_or_default() {
            flip(price);
        }
    }
}

/// Reads the levels of one side of a snapshot: pairs of price and count.
pub(super) fn levels(side: &RawValue) -> Option<Vec<(&RawValue, &RawValue)>> {
    serde_json::from_str::<Option<Vec<(&RawValue, &RawValue)>>>(side.get())
        .ok()
        .map(Option::unwrap_or_default)
}

/// Returns the text of a string or a number.
pub(super) fn scalar(value: &RawValue) -> &str {
    let text = value.get();
    text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text)
}

pub(super) fn price_of(value: &RawValue) -> Option<Price> {
    parse_price(scalar(value))
}

fn number(value: &RawValue) -> Option<u64> {
    value.get().parse().ok()
}

/// Returns where a borrowed value stands in the text it was read from.
fn place(text: &str, value: &RawValue) -> Option<Range<usize>> {
    let start = (value.get().as_ptr() as usize).checked_sub(text.as_ptr() as usize)?;
    let at = start..start.checked_add(value.get().len())?;
    (text.get(at.clone()) == Some(value.get())).then_some(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rewritten(text: &str, sid: u64, seq: Option<u64>, yes_prices: bool) -> String {
        let mut to = Vec::new();
        Frame::parse(text.as_bytes()).unwrap().rewrite(&mut to, sid, seq, yes_prices);
        String::from_utf8(to).unwrap()
    }

    #[test]
    fn only_sid_and_seq_change() {
        let text = "{ \"type\":\"trade\", \"msg\":{\"seq\":1,\"sid\":2}, \"seq\": 7,\"sid\":3 }\n";
        let expected = "{ \"type\":\"trade\", \"msg\":{\"seq\":1,\"sid\":2}, \"seq\": 1234,\"sid\":10 }";
        assert_eq!(rewritten(text, 10, Some(1234), false), expected);
        assert_eq!(
            rewritten(r#"{"type":"ticker","sid":3,"msg":{}}"#, 1, None, true),
            r#"{"type":"ticker","sid":1,"msg":{}}"#
        );
    }

    #[test]
    fn yes_prices_touch_the_no_side_only() {
        let delta = r#"{"type":"orderbook_delta","sid":1,"seq":2,"msg":{"price_dollars":"0.4800","delta_fp":"1.00","side":"no"}}"#;
        assert_eq!(rewritten(delta, 1, Some(2), true), delta.replace("0.4800", "0.5200"));
        let yes = delta.replace("\"no\"", "\"yes\"");
        assert_eq!(rewritten(&yes, 1, Some(2), true), yes);
        let snapshot = r#"{"type":"orderbook_snapshot","sid":1,"seq":1,"msg":{"yes_dollars_fp":[["0.1000","1.00"]],"no_dollars_fp":[["0.0010","3.00"],["0.4800","2.00"]]}}"#;
        let expected = snapshot.replace("0.0010", "0.9990").replace("0.4800", "0.5200");
        assert_eq!(rewritten(snapshot, 1, Some(1), true), expected);
    }

    #[test]
    fn damaged_values_do_not_hide_the_rest() {
        let frame = Frame::parse(br#"{"type":"orderbook_delta","sid":"x","seq":4,"msg":[1]}"#).unwrap();
        assert_eq!((frame.sid, frame.seq, frame.message.market_ticker.is_none()), (None, Some(4), true));
        assert!(Frame::parse(b"{\"type\":").is_none());
        assert!(Frame::parse(b"{\"type\":\"\xff\"}").is_none());
    }
}

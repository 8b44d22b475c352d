//! Reads and changes the text of frames without parsing them: the envelope comes first and has a fixed form.

use std::ops::Range;

use crate::socket::channel::Channel;

/// What the envelope of a frame says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Head<'a> {
    /// None for answers to commands.
    pub(super) channel: Option<Channel>,
    pub(super) market: Option<&'a str>,
    pub(super) sid: Option<u64>,
    seq: Option<(Range<usize>, i64)>,
}

impl<'a> Head<'a> {
    pub(super) fn of(frame: &'a [u8]) -> Head<'a> {
        let text = std::str::from_utf8(frame).unwrap_or_default();
        let envelope = text.split(r#""msg":"#).next().unwrap_or_default();
        let number = |key: &str| {
            let begin = envelope.find(key)? + key.len();
            let length = envelope.get(begin..)?.bytes().take_while(u8::is_ascii_digit).count();
            Some(begin..begin + length)
        };
        let value = |range: Range<usize>| envelope.get(range)?.parse::<u64>().ok();
        let seq = number(r#""seq":"#).and_then(|range| {
            let seq = value(range.clone()).and_then(|seq| i64::try_from(seq).ok())?;
            Some((range, seq))
        });
        Head {
            channel: string(envelope, "type").and_then(Channel::of_message_type),
            market: string(text, "market_ticker"),
            sid: number(r#""sid":"#).and_then(value),
            seq,
        }
    }

    pub(super) fn is_numbered(&self) -> bool {
        self.seq.is_some()
    }

    /// Returns the frame with its `seq` moved by `offset`.
    pub(super) fn renumbered(&self, frame: &[u8], offset: i64) -> Vec<u8> {
        let Some((range, seq)) = self.seq.as_ref().filter(|_| offset != 0) else { return frame.to_vec() };
        let (before, after) = (frame.get(..range.start), frame.get(range.end..));
        let seq = seq.saturating_add(offset).to_string();
        [before.unwrap_or_default(), seq.as_bytes(), after.unwrap_or_default()].concat()
    }
}

fn string<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    let opening = format!("\"{key}\":\"");
    let (_, rest) = text.split_once(&opening)?;
    rest.split('"').next()
}

/// Cuts the frame in its middle.
pub(super) fn malformed(frame: &[u8]) -> &[u8] {
    frame.get(..frame.len() / 2).unwrap_or_default()
}

/// Adds members that no specification knows, to the envelope and to `msg`.
pub(super) fn unknown_fields(frame: &[u8]) -> Vec<u8> {
    let member = r#""x_unknown":{"nested":[1,"two",null]}"#;
    let outer = with_first_member(frame, b"{", member);
    with_first_member(&outer, br#""msg":{"#, member)
}

/// Makes the frame longer by at least `bytes`.
pub(super) fn huge(frame: &[u8], bytes: usize) -> Vec<u8> {
    with_first_member(frame, b"{", &format!(r#""x_padding":"{}""#, "x".repeat(bytes)))
}

/// A frame of a type that no specification knows, on the subscription of another.
pub(super) fn unknown_type(sid: Option<u64>) -> Vec<u8> {
    let sid = sid.map(|sid| format!(r#""sid":{sid},"#)).unwrap_or_default();
    format!("{{\"type\":\"x_unknown\",{sid}\"msg\":{{\"nested\":[1,\"two\",null]}}}}\n").into_bytes()
}

/// Puts a member first into the object that the first `opening` opens.
fn with_first_member(frame: &[u8], opening: &[u8], member: &str) -> Vec<u8> {
    let Some(at) = frame.windows(opening.len()).position(|window| window == opening) else {
        return frame.to_vec();
    };
    let (head, tail) = frame.split_at(at + opening.len());
    let comma = if tail.first() == Some(&b'}') { "" } else { "," };
    [head, member.as_bytes(), comma.as_bytes(), tail].concat()
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    const DELTA: &[u8] =
        br#"{"type":"orderbook_delta","sid":2,"seq":17,"msg":{"market_ticker":"A-1","x":"\"seq\":9"}}"#;

    #[test]
    fn the_envelope_is_read_and_renumbered() {
        let head = Head::of(DELTA);
        assert_eq!(
            (head.channel, head.market, head.sid),
            (Some(Channel::OrderbookDelta), Some("A-1"), Some(2))
        );
        let moved: Value = serde_json::from_slice(&head.renumbered(DELTA, -3)).unwrap();
        assert_eq!((&moved["seq"], &moved["sid"]), (&Value::from(14), &Value::from(2)));
        let answer = Head::of(br#"{"id":1,"type":"subscribed","msg":{"channel":"trade","sid":1}}"#);
        assert_eq!((answer.channel, answer.sid, answer.is_numbered()), (None, None, false));
    }

    #[test]
    fn strange_frames_are_json_and_cut_frames_are_not() {
        for frame in [unknown_fields(DELTA), huge(DELTA, 5_000), unknown_type(Some(2)), unknown_type(None)] {
            serde_json::from_slice::<Value>(&frame).unwrap();
        }
        let more: Value = serde_json::from_slice(&unknown_fields(DELTA)).unwrap();
        assert!(more["x_unknown"].is_object() && more["msg"]["x_unknown"].is_object());
        let empty: Value = serde_json::from_slice(&unknown_fields(br#"{"msg":{}}"#)).unwrap();
        assert!(empty["msg"]["x_unknown"].is_object());
        assert!(serde_json::from_slice::<Value>(malformed(DELTA)).is_err());
    }
}

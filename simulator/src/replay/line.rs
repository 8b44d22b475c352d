//! The line formats of recordings, read into one form.
//!
//! A line is `{"recv_ns":..,"conn":..,"frame":{..} or "text"}`, `{"recv_ts_ns":..,"raw":"text"}`, or the frame
//! itself. Blank lines separate. A line that is none of these is a frame as it stands: what the recorder wrote
//! down is what the client shall see.
//!
//! A capture (`docs/api/captures.md`) has the first of these forms, with `mono_ns`, `frame_base64` where a frame was no
//! text, commands as `sent`, and lines with a `mark`. Commands and marks are no frames; the mark at the head of a file
//! says by which process it was written, whose connections count from one again.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::value::RawValue;

/// One recorded frame with when and on which connection it was received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Recorded {
    /// Receive time in nanoseconds, by a clock that never steps if the recorder had one; the frame's own time where it
    /// kept none.
    pub(super) recv_ns: Option<i64>,
    /// Which of the recorder's connections it came from; 0 where the recorder had but one.
    pub(super) conn: u64,
    pub(super) text: Vec<u8>,
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    recv_ns: Option<&'a RawValue>,
    #[serde(borrow)]
    mono_ns: Option<&'a RawValue>,
    #[serde(borrow)]
    recv_ts_ns: Option<&'a RawValue>,
    #[serde(borrow)]
    conn: Option<&'a RawValue>,
    #[serde(borrow)]
    frame: Option<&'a RawValue>,
    #[serde(borrow)]
    raw: Option<&'a RawValue>,
    #[serde(borrow)]
    frame_base64: Option<Cow<'a, str>>,
    #[serde(borrow)]
    sent: Option<&'a RawValue>,
    #[serde(borrow)]
    mark: Option<Cow<'a, str>>,
    #[serde(borrow)]
    run: Option<Cow<'a, str>>,
}

/// What a line is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Line {
    Frame(Recorded),
    /// The head of a capture, with what names the process that wrote it.
    Head(String),
    /// Blank, a command the recorder sent, or another mark.
    Nothing,
}

#[derive(Deserialize)]
struct Timed {
    msg: Option<TimedMessage>,
}

#[derive(Deserialize)]
struct TimedMessage {
    ts_ms: Option<i64>,
}

/// Reads one line. `conn` is the connection of the line before, for lines without one.
pub(super) fn parse_line(line: &[u8], conn: u64) -> Line {
    let line = line.trim_ascii();
    if line.is_empty() {
        return Line::Nothing;
    }
    let envelope = serde_json::from_slice::<Envelope<'_>>(line).ok();
    let as_it_stands = || Recorded { recv_ns: own_time_ns(line), conn, text: line.to_vec() };
    let Some(envelope) = envelope else { return Line::Frame(as_it_stands()) };
    let text = match (envelope.frame.or(envelope.raw), envelope.frame_base64) {
        (Some(inner), _) => match serde_json::from_str::<Cow<'_, str>>(inner.get()) {
            Ok(text) => text.into_owned().into_bytes(),
            Err(_) => inner.get().as_bytes().to_vec(),
        },
        (None, Some(bytes)) => match STANDARD.decode(&*bytes) {
            Ok(bytes) => bytes,
            Err(_) => return Line::Frame(as_it_stands()),
        },
        // A frame has a type, and neither a receive time nor marks beside it.
        (None, None) if envelope.recv_ns.is_some() => match (envelope.mark.as_deref(), envelope.sent) {
            (Some("capture"), _) => return Line::Head(envelope.run.unwrap_or_default().into_owned()),
            (Some(_), _) | (None, Some(_)) => return Line::Nothing,
            (None, None) => return Line::Frame(as_it_stands()),
        },
        (None, None) => return Line::Frame(as_it_stands()),
    };
    let recv_ns = envelope.mono_ns.or(envelope.recv_ns).or(envelope.recv_ts_ns).and_then(integer);
    let conn = envelope.conn.and_then(integer).map_or(conn, i64::unsigned_abs);
    Line::Frame(Recorded { recv_ns, conn, text })
}

/// Returns the time inside a bare frame, for spacing only.
fn own_time_ns(frame: &[u8]) -> Option<i64> {
    let timed: Timed = serde_json::from_slice(frame).ok()?;
    timed.msg?.ts_ms?.checked_mul(1_000_000)
}

/// Reads an integer that a recorder may have written as a string or with a fraction.
fn integer(value: &RawValue) -> Option<i64> {
    let text = value.get().trim_matches('"');
    text.split('.').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> (Option<i64>, u64, String) {
        let Line::Frame(recorded) = parse_line(line.as_bytes(), 9) else { panic!("no frame: {line}") };
        (recorded.recv_ns, recorded.conn, String::from_utf8(recorded.text).unwrap())
    }

    #[test]
    fn every_format_gives_the_frame_byte_for_byte() {
        let expect = [
            (
                r#"{"recv_ns":5,"conn":2,"frame":{"type": "x","sid":1}}"#,
                (Some(5), 2, r#"{"type": "x","sid":1}"#),
            ),
            (r#"{"recv_ns":5,"frame":"{\"type\":\"x\"}\n"}"#, (Some(5), 9, "{\"type\":\"x\"}\n")),
            (r#"{"recv_ts_ns": 7, "raw": "{\"a\":\"\\u00e9\"}"}"#, (Some(7), 9, r#"{"a":"\u00e9"}"#)),
            (
                r#"{"type":"trade","msg":{"ts_ms":3}}"#,
                (Some(3_000_000), 9, r#"{"type":"trade","msg":{"ts_ms":3}}"#),
            ),
        ];
        for (line, (recv_ns, conn, text)) in expect {
            assert_eq!(parse(line), (recv_ns, conn, text.to_owned()), "{line}");
        }
    }

    #[test]
    fn damaged_lines_are_frames_as_they_stand_and_blank_lines_are_none() {
        assert_eq!(
            parse(r#"{"recv_ns":5,"conn":2,"fra"#),
            (None, 9, r#"{"recv_ns":5,"conn":2,"fra"#.to_owned())
        );
        assert_eq!(parse("not json"), (None, 9, "not json".to_owned()));
        assert_eq!(parse_line(b"  \r\n", 0), Line::Nothing);
        for damaged in [r#"{"recv_ns":5,"frame_base64":"?"}"#, r#"{"recv_ns":5,"conn":2}"#, r#"{"mark":"x"}"#]
        {
            assert_eq!(parse(damaged), (None, 9, damaged.to_owned()));
        }
    }

    #[test]
    fn a_captures_frames_are_told_from_what_else_it_holds() {
        assert_eq!(
            parse(r#"{"recv_ns":5,"mono_ns":7,"conn":2,"frame":{"mark":"capture"}}"#),
            (Some(7), 2, r#"{"mark":"capture"}"#.to_owned())
        );
        assert_eq!(parse(r#"{"recv_ns":5,"conn":2,"frame_base64":"YWI="}"#), (Some(5), 2, "ab".to_owned()));
        for (line, expected) in [
            (
                r#"{"recv_ns":5,"mono_ns":7,"mark":"capture","version":1,"run":"a1"}"#,
                Line::Head("a1".to_owned()),
            ),
            (r#"{"recv_ns":5,"mono_ns":7,"conn":1,"mark":"opened"}"#, Line::Nothing),
            (r#"{"recv_ns":5,"mono_ns":7,"conn":1,"mark":"gap","frames":3}"#, Line::Nothing),
            (r#"{"recv_ns":5,"mono_ns":7,"conn":1,"reason":"gone","mark":"closed"}"#, Line::Nothing),
            (r#"{"recv_ns":5,"mono_ns":7,"conn":1,"sent":"{\"id\":1}"}"#, Line::Nothing),
        ] {
            assert_eq!(parse_line(line.as_bytes(), 0), expected, "{line}");
        }
    }
}

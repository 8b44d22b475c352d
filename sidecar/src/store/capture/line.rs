//! The line format of captures, documented in `docs/api/captures.md`.
//!
//! The shape is that of recorded sessions, so one reader serves both. A frame is kept byte for byte: as it stands where
//! it is one JSON object on one line, as a string where it is other text, as base64 where it is no text.

use std::io::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use outrigger_engine::domain::Now;
use serde_json::value::RawValue;

use super::lane::{Kind, Passed};

/// Rises when a reader of older files could misread a new one.
pub(super) const VERSION: u32 = 1;

/// Appends the line every file begins with. `run` is the same for all files of one process.
pub(super) fn head(to: &mut Vec<u8>, at: Now, run: i64) {
    times(to, at);
    // Writing to memory cannot fail, here and below.
    let _ = writeln!(to, r#","mark":"capture","version":{VERSION},"run":"{run:x}"}}"#);
}

/// Appends the line of one thing that passed.
pub(super) fn write(to: &mut Vec<u8>, passed: &Passed<'_>) {
    times(to, passed.at);
    let _ = write!(to, r#","conn":{},"#, passed.generation.0);
    match passed.kind {
        Kind::Received => frame(to, passed.bytes),
        Kind::Sent => text(to, "sent", &String::from_utf8_lossy(passed.bytes)),
        Kind::Opened => to.extend_from_slice(br#""mark":"opened""#),
        Kind::Closed => {
            text(to, "reason", &String::from_utf8_lossy(passed.bytes));
            to.extend_from_slice(br#","mark":"closed""#);
        }
        Kind::Gap(frames) => {
            let _ = write!(to, r#""mark":"gap","frames":{frames}"#);
        }
    }
    to.extend_from_slice(b"}\n");
}

fn times(to: &mut Vec<u8>, at: Now) {
    let recv_ns = i128::from(at.wall.0) * 1_000;
    let _ = write!(to, r#"{{"recv_ns":{recv_ns},"mono_ns":{}"#, at.monotonic.0);
}

fn frame(to: &mut Vec<u8>, bytes: &[u8]) {
    match std::str::from_utf8(bytes) {
        Ok(whole) if is_one_object(whole) => {
            to.extend_from_slice(br#""frame":"#);
            to.extend_from_slice(bytes);
        }
        Ok(whole) => text(to, "frame", whole),
        Err(_) => text(to, "frame_base64", &STANDARD.encode(bytes)),
    }
}

/// Tells whether a frame can stand in a line as it is and be taken out again unchanged.
fn is_one_object(text: &str) -> bool {
    text.starts_with('{')
        && text.bytes().all(|byte| byte >= b' ')
        && serde_json::from_str::<&RawValue>(text).is_ok_and(|value| value.get().len() == text.len())
}

fn text(to: &mut Vec<u8>, name: &str, value: &str) {
    let _ = write!(to, r#""{name}":"#);
    let _ = serde_json::to_writer(to, value);
}

#[cfg(test)]
mod tests {
    use outrigger_engine::domain::{Generation, Monotonic, WallTime};
    use serde_json::Value;

    use super::*;

    fn line(kind: Kind, bytes: &[u8]) -> String {
        let at = Now { wall: WallTime(1_795_255_300_000_001), monotonic: Monotonic(77) };
        let mut line = Vec::new();
        write(&mut line, &Passed { kind, generation: Generation(4), at, bytes });
        String::from_utf8(line).unwrap()
    }

    #[test]
    fn every_line_is_one_json_object_and_frames_keep_their_bytes() {
        let frames = [
            r#"{"type": "ticker","sid":1,"msg":{"x":"\u00e9"}}"#,
            "{\"a\":1}\n",
            "{\"a\":\n1}",
            "{\"a\":1} ",
            "{\"a\":",
            "{} {}",
            "\"text\"",
            "[1]",
            "",
            "héllo \u{1}",
        ];
        for frame in frames {
            let line = line(Kind::Received, frame.as_bytes());
            assert_eq!(line.matches('\n').count(), 1, "{line}");
            let value: Value = serde_json::from_str(&line).unwrap();
            let kept = match &value["frame"] {
                Value::String(text) => text.clone(),
                _ => line.split_once(r#""frame":"#).unwrap().1.strip_suffix("}\n").unwrap().to_owned(),
            };
            assert_eq!(kept, frame);
            assert_eq!((&value["conn"], &value["mono_ns"]), (&Value::from(4), &Value::from(77)));
            assert_eq!(value["recv_ns"], Value::from(1_795_255_300_000_001_000_i64));
        }
        assert!(line(Kind::Received, frames[0].as_bytes()).contains(frames[0]), "an object stands as it is");
        let value: Value = serde_json::from_str(&line(Kind::Received, &[0xff, 0x00])).unwrap();
        assert_eq!(value["frame_base64"], "/wA=");
    }

    #[test]
    fn marks_and_commands_say_what_they_are() {
        for (kind, bytes, expected) in [
            (Kind::Opened, "", r#""mark":"opened"}"#),
            (Kind::Closed, "gone \"x\"", r#""reason":"gone \"x\"","mark":"closed"}"#),
            (Kind::Gap(9), "", r#""mark":"gap","frames":9}"#),
            (Kind::Sent, "{\"id\":1}", r#""sent":"{\"id\":1}"}"#),
        ] {
            let line = line(kind, bytes.as_bytes());
            assert!(line.trim_end().ends_with(expected), "{line}");
            serde_json::from_str::<Value>(&line).unwrap();
        }
    }
}

//! Our own frames against a golden file, and every recorded frame where recordings are at hand.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use outrigger_engine::venue::MarketFrame;

use super::{Decoded, decode};

fn fixtures(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/frames").join(name)
}

#[test]
fn own_frames_mean_what_the_golden_file_says() {
    let frames = std::fs::read_to_string(fixtures("current.jsonl")).unwrap();
    let decoded: String = frames.lines().map(|frame| format!("{:?}\n", decode(frame))).collect();
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(fixtures("decoded.txt"), &decoded).unwrap();
    }
    let golden = std::fs::read_to_string(fixtures("decoded.txt")).unwrap();
    for (line, (is, should)) in decoded.lines().zip(golden.lines()).enumerate() {
        assert_eq!(is, should, "line {}", line + 1);
    }
    assert_eq!(decoded.lines().count(), golden.lines().count());
}

#[test]
fn a_cut_frame_never_passes_as_another() {
    let frames = std::fs::read_to_string(fixtures("current.jsonl")).unwrap();
    for frame in frames.lines() {
        for cut in (0..frame.len()).filter(|cut| frame.is_char_boundary(*cut)) {
            let decoded = decode(&frame[..cut]);
            assert!(matches!(decoded, Decoded::Unreadable { .. }), "{}: {decoded:?}", &frame[..cut]);
        }
    }
}

/// Returns the lines of a recorded file, or `None` with a message when the recordings are not there.
fn recorded(relative: &str) -> Option<Vec<String>> {
    let shared = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/kalshi/recordings");
    let path = shared.join(relative);
    if !path.exists() {
        writeln!(std::io::stderr(), "skipped: {} is absent", path.display()).unwrap();
        return None;
    }
    let output = Command::new("zstd").arg("-dc").arg(&path).output().unwrap();
    assert!(output.status.success(), "zstd could not read {}", path.display());
    let text = String::from_utf8(output.stdout).unwrap();
    Some(text.lines().filter(|line| !line.trim().is_empty()).map(str::to_owned).collect())
}

/// The frame inside a line: raw, `{"raw": "..."}` or `{"frame": {...}}`.
fn frame_of(line: &str) -> String {
    let value: serde_json::Value = serde_json::from_str(line).unwrap();
    match (&value["raw"], &value["frame"]) {
        (serde_json::Value::String(raw), _) => raw.clone(),
        (_, frame @ serde_json::Value::Object(_)) => frame.to_string(),
        _ => line.to_owned(),
    }
}

fn is_understood(decoded: &Decoded) -> bool {
    match decoded {
        Decoded::Unreadable { .. } | Decoded::PrivateUnreadable { .. } | Decoded::Unknown { .. } => false,
        Decoded::Market { frame, sid, .. } => {
            sid.is_some() && !matches!(frame, MarketFrame::Unreadable { .. })
        }
        _ => true,
    }
}

#[test]
fn every_recorded_frame_of_the_current_format_is_understood() {
    let files = [
        "ws_demo_multi_market_raw/session.jsonl.zst",
        "ws_btc_raw_with_recv_time/kalshi_ws_frames.jsonl.zst",
        "ws_ticker_trade_transitional/frames.jsonl.zst",
        "ws_btc15m_sessions/20260511T053112Z.jsonl.zst",
        "ws_btc15m_sessions/20260513T1259Z.jsonl.zst",
    ];
    for file in files {
        let Some(lines) = recorded(file) else { continue };
        assert!(!lines.is_empty(), "{file}");
        for line in &lines {
            let decoded = decode(&frame_of(line));
            assert!(is_understood(&decoded), "{file}: {decoded:?} from {line}");
        }
    }
}

#[test]
fn frames_of_formats_long_gone_are_called_unreadable_with_their_numbers() {
    let Some(lines) = recorded("ws_single_frames/frames.jsonl.zst") else { return };
    let unreadable: Vec<Decoded> =
        lines.iter().map(|line| decode(line)).filter(|decoded| !is_understood(decoded)).collect();
    // One delta of August 2025, with integer cents: that format is not spoken any more.
    assert!(
        matches!(unreadable.as_slice(), [Decoded::Unreadable { sid: Some(1), seq: Some(3), .. }]),
        "{unreadable:?}"
    );
}

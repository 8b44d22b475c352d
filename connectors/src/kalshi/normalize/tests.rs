//! Our own frames against a golden file, the published fields, and every recorded frame where recordings are at hand.

use std::path::{Path, PathBuf};

use super::{Decoded, Tickers, decode_any, decode_usual};

fn decode(text: &str) -> Decoded {
    super::decode(text, &mut Tickers::default())
}

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

/// However a delta is damaged or varied, the quick way reads it as the long one does, or leaves it to that.
#[test]
fn the_quick_way_never_reads_otherwise_than_the_long_one() {
    let usual = r#"{"type":"orderbook_delta","sid":2,"seq":17,"sending_ts_ms":1790000000001,"msg":{"market_ticker":"KXTEST-26É","market_id":"0b7a1c55-6a0e","clock":42,"price_dollars":"0.4700","delta_fp":"-3.25","side":"no","ts":"2026-10-26T12:00:00.123Z","ts_ms":1790000000190,"client_order_id":"mine","subaccount":0}}"#;
    let own = std::fs::read_to_string(fixtures("current.jsonl")).unwrap();
    let own = own.lines().filter(|frame| frame.contains("orderbook_delta")).chain([usual]);
    let pieces = ["", "\"", "\\", "0", "7", "-", ".", "e", ",", "}", "{", " ", "\n", "\t", "null", "é"];
    let mut tickers = Tickers::default();
    let mut quick = 0;
    for frame in own {
        for at in (0..=frame.len()).filter(|at| frame.is_char_boundary(*at)) {
            let (before, after) = frame.split_at(at);
            let shorter = after.get(1..).unwrap_or_default();
            let varied = pieces
                .iter()
                .flat_map(|piece| [format!("{before}{piece}{after}"), format!("{before}{piece}{shorter}")]);
            for varied in varied {
                if let Some(read) = decode_usual(&varied, &mut tickers) {
                    assert_eq!(read, decode_any(&varied, &mut tickers), "{varied}");
                    quick += 1;
                }
            }
        }
    }
    assert!(quick > 1_000, "only {quick} frames were read the quick way");
}

mod recordings;

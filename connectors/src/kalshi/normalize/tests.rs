//! Our own frames against a golden file, the published fields, and every recorded frame where recordings are at hand.

use std::path::{Path, PathBuf};

use super::{Decoded, Tickers};

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

mod recordings;

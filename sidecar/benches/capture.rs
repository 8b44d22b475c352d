//! What capturing costs: the processor time of a frame, at two thousand frames a second and at full speed, and how long the
//! socket's task is held up by one.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, reason = "a measurement")]

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use outrigger::store::{Capture, CapturePlan, CaptureStats};
use outrigger_engine::domain::{Clock, Generation, Monotonic, Now, WallTime};

const PACED_PER_SECOND: u64 = 2_000;
const PACED_SECONDS: u64 = 10;
const FULL_SPEED_FRAMES: u64 = 1_000_000;
/// Frames that may wait, so that none is dropped.
const AHEAD_MAX: u64 = 20_000;

fn main() {
    let scratch = tempfile::TempDir::new().unwrap();
    let stats = Arc::new(CaptureStats::default());
    let start = Instant::now();
    let clock: Clock = Arc::new(move || Now {
        wall: WallTime(jiff::Timestamp::now().as_microsecond()),
        monotonic: Monotonic(u64::try_from(start.elapsed().as_nanos()).unwrap()),
    });
    let plan = CapturePlan {
        directory: scratch.path().join("captures"),
        retention: Duration::from_secs(3_600),
        bytes_max: 2 << 30,
    };
    let capture = Capture::start(plan, Arc::clone(&stats), Arc::clone(&clock)).unwrap();
    let mut sent = 0;
    let (cpu, began) = (cpu_ns(), Instant::now());
    for second in 0..PACED_SECONDS * 100 {
        for _ in 0..PACED_PER_SECOND / 100 {
            capture.received(Generation(1), clock(), frame(sent).as_bytes());
            sent += 1;
        }
        let due = Duration::from_millis((second + 1) * 10);
        std::thread::sleep(due.saturating_sub(began.elapsed()));
    }
    let share = (cpu_ns() - cpu) as f64 / began.elapsed().as_nanos() as f64;
    println!(
        "paced: {PACED_PER_SECOND} frames/s for {PACED_SECONDS} s: {:.2} % of a core, the making of frames included",
        share * 100.0
    );

    let (cpu, began, mut held) = (cpu_ns(), Instant::now(), Duration::ZERO);
    let before = sent;
    while sent < before + FULL_SPEED_FRAMES {
        let (text, at) = (frame(sent), clock());
        let push = Instant::now();
        capture.received(Generation(1), at, text.as_bytes());
        held += push.elapsed();
        sent += 1;
        while sent - stats.frames.load(Relaxed) > AHEAD_MAX {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
    let spent = (cpu_ns() - cpu) / FULL_SPEED_FRAMES;
    let rate = FULL_SPEED_FRAMES as f64 / began.elapsed().as_secs_f64();
    println!(
        "full speed: {rate:.0} frames/s, {spent} ns of processor time a frame, the making of it included"
    );
    println!(
        "the socket's task is held up {} ns by a frame",
        held.as_nanos() / u128::from(FULL_SPEED_FRAMES)
    );
    capture.stop();
    let bytes = stats.bytes.load(Relaxed);
    println!(
        "{} frames, {} dropped, {bytes} bytes, {:.1} a frame",
        stats.frames.load(Relaxed),
        stats.dropped.load(Relaxed),
        bytes as f64 / sent as f64
    );
}

/// A change of a book as the exchange sends it, each another.
fn frame(number: u64) -> String {
    let dice = number.wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(31).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let (price, size, market) = (dice % 9_999 + 1, dice >> 20 & 0xffff, dice >> 40 & 0xff);
    let ts_ms = 1_795_255_200_000 + number / 2;
    format!(
        r#"{{"type":"orderbook_delta","sid":2,"seq":{number},"msg":{{"market_ticker":"KXSIMINDEX-26NOV21-B{market}","market_id":"00000000-0000-4000-8000-000000000{market:03}","price_dollars":"0.{price:04}","delta_fp":"{}{}.{:02}","side":"{}","ts":"2026-11-21T10:00:00.{:06}Z","ts_ms":{ts_ms}}}}}"#,
        if dice & 1 == 0 { "-" } else { "" },
        size / 100,
        size % 100,
        if dice & 2 == 0 { "yes" } else { "no" },
        dice % 1_000_000,
    )
}

/// Returns the processor time of all threads of this process so far.
fn cpu_ns() -> u64 {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    let spent = |task: std::fs::DirEntry| {
        let text = std::fs::read_to_string(task.path().join("schedstat")).unwrap_or_default();
        text.split(' ').next().and_then(|first| first.parse::<u64>().ok()).unwrap_or(0)
    };
    tasks.flatten().map(spent).sum()
}

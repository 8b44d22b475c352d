use std::fs::File;
use std::io;
use std::path::Path;
use std::time::Instant;

use outrigger_engine::domain::Monotonic;

use super::*;

fn clock() -> Clock {
    let start = Instant::now();
    Arc::new(move || Now {
        wall: WallTime(jiff::Timestamp::now().as_microsecond()),
        monotonic: Monotonic(u64::try_from(start.elapsed().as_nanos()).unwrap()),
    })
}

fn plan(directory: &Path, bytes_max: u64) -> CapturePlan {
    CapturePlan { directory: directory.join("captures"), retention: Duration::from_secs(3_600), bytes_max }
}

fn start(plan: &CapturePlan) -> (Capture, Arc<CaptureStats>, Clock) {
    let (stats, clock) = (Arc::new(CaptureStats::default()), clock());
    (Capture::start(plan.clone(), Arc::clone(&stats), Arc::clone(&clock)).unwrap(), stats, clock)
}

fn frame(number: u64) -> String {
    format!(r#"{{"type":"ticker","sid":1,"msg":{{"market_ticker":"A","n":{number}}}}}"#)
}

fn until(what: &str, condition: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !condition() {
        assert!(Instant::now() < deadline, "{what} in time");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn only(plan: &CapturePlan) -> PathBuf {
    let stored = captures_in(&plan.directory).unwrap();
    assert_eq!(stored.len(), 1, "{stored:?}");
    stored[0].path.clone()
}

fn text(path: &Path) -> String {
    io::read_to_string(zstd::Decoder::new(File::open(path).unwrap()).unwrap()).unwrap()
}

#[test]
fn what_passed_stands_in_a_private_file_in_its_order() {
    let scratch = tempfile::TempDir::new().unwrap();
    let plan = plan(scratch.path(), 1 << 30);
    let (capture, stats, clock) = start(&plan);
    let of = Generation(3);
    capture.opened(of, clock());
    capture.sent(of, clock(), r#"{"id":1,"cmd":"subscribe"}"#);
    (0..1_000).for_each(|number| capture.received(of, clock(), frame(number).as_bytes()));
    capture.received(of, clock(), &[0xff]);
    capture.closed(of, clock(), "the exchange closed the connection");
    assert!(capture.stop());
    let path = only(&plan);
    let lines: Vec<serde_json::Value> =
        text(&path).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((&lines[0]["mark"], &lines[0]["version"]), (&"capture".into(), &1.into()));
    assert_eq!((&lines[1]["mark"], &lines[1]["conn"]), (&"opened".into(), &3.into()));
    assert_eq!(lines[2]["sent"], r#"{"id":1,"cmd":"subscribe"}"#);
    assert!((0..1_000).all(|number| lines[number + 3]["frame"]["msg"]["n"] == number));
    assert_eq!(lines[1_004]["reason"], "the exchange closed the connection");
    assert_eq!(lines.len(), 1_005);
    let looked = look(&path).unwrap();
    assert_eq!(
        (&looked.ending, looked.frames, looked.commands, looked.connections, looked.missing),
        (&Ending::Whole, 1_001, 1, 1, 0)
    );
    let span = looked.span_ns.unwrap();
    assert!(span.0 <= span.1 && span.0 > 1_700_000_000_000_000_000);
    assert_eq!((stats.frames.load(Relaxed), stats.dropped.load(Relaxed)), (1_002, 0));
    assert_eq!(stats.bytes.load(Relaxed), std::fs::metadata(&path).unwrap().len());
    assert_eq!((stats.files.load(Relaxed), stats.is_running.load(Relaxed)), (1, false));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&path), mode(&plan.directory)), (0o600, 0o700));
    }
}

#[test]
fn what_was_flushed_is_there_for_a_reader_while_the_writer_goes_on() {
    let scratch = tempfile::TempDir::new().unwrap();
    let plan = plan(scratch.path(), 1 << 30);
    let (capture, _, clock) = start(&plan);
    capture.received(Generation(1), clock(), frame(1).as_bytes());
    until("the frame is on disk", || {
        let stored = captures_in(&plan.directory).unwrap();
        stored.first().is_some_and(|stored| look(&stored.path).unwrap().frames == 1)
    });
    assert_eq!(look(&only(&plan)).unwrap().ending, Ending::Open);
    assert!(capture.stop());
    assert_eq!(look(&only(&plan)).unwrap().ending, Ending::Whole);
}

#[test]
fn a_torn_file_is_good_up_to_the_tear_and_a_changed_one_is_damaged() {
    let scratch = tempfile::TempDir::new().unwrap();
    let plan = plan(scratch.path(), 1 << 30);
    let (capture, stats, clock) = start(&plan);
    for round in 1..=2 {
        (0..3_000).for_each(|number| capture.received(Generation(1), clock(), frame(number).as_bytes()));
        until("they are on disk", || {
            stats.bytes.load(Relaxed) > 0 && stats.frames.load(Relaxed) == round * 3_000
        });
    }
    assert!(capture.stop());
    let path = only(&plan);
    let whole = std::fs::read(&path).unwrap();
    std::fs::write(&path, &whole[..whole.len() - 6]).unwrap();
    let torn = look(&path).unwrap();
    assert_eq!(torn.ending, Ending::Open);
    assert!(torn.frames > 0, "{torn:?}");
    let mut changed = whole.clone();
    let middle = changed.len() / 2;
    changed[middle] ^= 0x10;
    std::fs::write(&path, &changed).unwrap();
    assert!(matches!(look(&path).unwrap().ending, Ending::Damaged(_)), "{:?}", look(&path));
    std::fs::write(&path, "not compressed").unwrap();
    assert!(matches!(look(&path).unwrap().ending, Ending::Damaged(_)));
    std::fs::write(&path, "").unwrap();
    assert_eq!(look(&path).unwrap().ending, Ending::Open);
}

#[test]
fn files_end_at_their_bound_and_the_total_keeps_to_its_own() {
    let scratch = tempfile::TempDir::new().unwrap();
    let plan = plan(scratch.path(), 400_000);
    let (capture, stats, clock) = start(&plan);
    // Frames that do not compress: about 2 MiB of them.
    let mut dice = 1_u64;
    for number in 0..4_000_u64 {
        let noise: Vec<u8> = (0..256)
            .map(|_| {
                dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                (dice >> 56) as u8
            })
            .collect();
        capture.received(Generation(1), clock(), &noise);
        if number % 500 == 0 {
            until("the writer keeps up", || stats.frames.load(Relaxed) + 500 > number);
        }
    }
    assert!(capture.stop());
    let stored = captures_in(&plan.directory).unwrap();
    let bytes: u64 = stored.iter().map(|stored| stored.bytes).sum();
    // The bound holds when a file begins; the one being written may take a file's bound more, and one write.
    assert!(
        stored.len() >= 3 && bytes < 400_000 + 100_000 + 140_000,
        "{} files, {bytes} bytes",
        stored.len()
    );
    assert!(stored.iter().all(|stored| look(&stored.path).unwrap().ending == Ending::Whole));
    assert!(stats.bytes.load(Relaxed) > bytes, "older files were deleted");
    assert_eq!(stats.files.load(Relaxed), stored.len() as u64);
}

/// Opens the disk that is always full.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_ends_the_capture_says_so_once_and_counts_what_is_lost() {
    let scratch = tempfile::TempDir::new().unwrap();
    let plan = plan(scratch.path(), 1 << 30);
    file::make_directory(&plan.directory).unwrap();
    let (stats, clock) = (Arc::new(CaptureStats::default()), clock());
    stats.is_running.store(true, Relaxed);
    let lane = Lane::new(1_000, 1 << 20);
    let full = |_: &Path| File::options().write(true).open("/dev/full");
    let mut writer = writer::Writer::new(plan, Arc::clone(&stats), Arc::clone(&clock), full);
    for number in 0..10 {
        assert!(lane.push(Kind::Received, Generation(1), clock(), frame(number).as_bytes()));
    }
    // Ends by itself, although nobody closes the lane.
    writer.run(&lane);
    let (problem, since) = stats.problem().unwrap();
    assert!(problem.contains("No space left") && problem.contains("trading goes on"), "{problem}");
    assert!(since.0 > 0 && !stats.is_running.load(Relaxed));
    assert!(!lane.push(Kind::Received, Generation(1), clock(), b"{}"), "nothing piles up");
}

#[test]
fn a_directory_that_went_away_ends_the_capture() {
    let scratch = tempfile::TempDir::new().unwrap();
    let plan = plan(scratch.path(), 1 << 30);
    let (capture, stats, clock) = start(&plan);
    std::fs::remove_dir(&plan.directory).unwrap();
    capture.received(Generation(1), clock(), b"{}");
    until("the problem shows", || stats.problem().is_some());
    capture.received(Generation(1), clock(), b"{}");
    assert_eq!((stats.frames.load(Relaxed), stats.dropped.load(Relaxed)), (0, 2));
    assert!(capture.stop());
}

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use outrigger_connectors::{BucketFigures, BudgetFigures, ChannelReading, Distribution, LaneFigures};
use outrigger_engine::venue::FeedState;

use super::budget::BUDGET;
use super::handles::LABELLED;
use super::ledger::LEDGER;
use super::readings::READINGS;
use super::stream::STREAM;
use super::{BudgetReading, Counted, Figures, Metrics, OrderFigures, StreamReading, VenueFigures, document};

#[derive(Debug)]
struct Quiet;

impl Figures for Quiet {
    fn venue(&self) -> VenueFigures {
        VenueFigures { is_connected: true, ..VenueFigures::default() }
    }
    fn orders(&self) -> OrderFigures {
        OrderFigures { open: 3, unknown: 1 }
    }
    fn is_ready(&self) -> bool {
        true
    }
    fn halt(&self) -> u64 {
        0
    }
    fn venue_requests(&self) -> Vec<(&'static str, String, u64)> {
        vec![("/portfolio/orders", "201".to_owned(), 5)]
    }
    fn budget(&self) -> BudgetReading {
        let bucket = BucketFigures {
            bucket: "write",
            left: 90,
            capacity: 100,
            refill: 100,
            percent: 80,
            spent: 10,
            throttled: 1,
        };
        let waited = Distribution { sum_us: 9, buckets: vec![(100, 3)], beyond: 0 };
        let lane = LaneFigures {
            lane: "order",
            client: "client",
            granted: 3,
            refused: vec![("late", 4)],
            throttled: 1,
            waited,
            waiting: 2,
        };
        let budget = BudgetFigures { buckets: vec![bucket], lanes: vec![lane] };
        BudgetReading { budget, breaker: vec![("open", true, 1)], broken: 6 }
    }

    fn stream(&self) -> StreamReading {
        let lag =
            |us, count| Distribution { sum_us: us, buckets: vec![(1_000, count), (5_000, 1)], beyond: 1 };
        StreamReading {
            state: Some(FeedState::Degraded),
            strands: vec![FeedState::Live, FeedState::BackingOff],
            entered: vec![("live", 2)],
            endings: vec![("tls", 3)],
            channels: vec![ChannelReading {
                channel: "trade",
                frames: 9,
                since_sent: lag(2_500_000, 7),
                since_event: lag(0, 0),
            }],
            trust_back: Some(lag(0, 0)),
        }
    }
}

#[test]
fn the_page_is_what_the_declarations_say() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/METRICS.md");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(path, document()).unwrap();
    }
    let written = std::fs::read_to_string(path).unwrap_or_default();
    assert_eq!(written, document(), "run UPDATE_DOCS=1 cargo test -p outrigger metrics");
}

#[test]
fn a_scrape_shows_every_family_under_its_declared_name_and_the_parts_figures() {
    let counted = Counted::default();
    counted.books.deltas.store(42, Relaxed);
    counted.books.strand_first[1].store(7, Relaxed);
    counted.ledger.queued.store(7, Relaxed);
    let metrics = Metrics::new(counted, Arc::new(Quiet));
    let took = Duration::from_millis(3);
    metrics.handles.answered(Some("/v1/orders"), "POST", 201, took);
    metrics.handles.answered(None, "BREW", 404, took);
    let text = metrics.render();
    for line in [
        "outrigger_book_deltas_total 42",
        "outrigger_orders_unknown 1",
        "outrigger_venue_connected 1",
        "outrigger_http_requests_total{route=\"/v1/orders\",method=\"POST\",status=\"201\"} 1",
        "outrigger_http_requests_total{route=\"unmatched\",method=\"other\",status=\"404\"} 1",
        "outrigger_http_request_seconds_bucket{le=\"0.005\"} 2",
        "outrigger_order_answer_seconds_count 1",
        "outrigger_venue_requests_total{route=\"/portfolio/orders\",status=\"201\"} 5",
        "outrigger_venue_tokens{bucket=\"write\"} 90",
        "outrigger_venue_refill_percent{bucket=\"write\"} 80",
        "outrigger_venue_tokens_spent_total{bucket=\"write\"} 10",
        "outrigger_venue_throttled_total{lane=\"order\",client=\"client\"} 1",
        "outrigger_budget_refused_total{lane=\"order\",client=\"client\",reason=\"late\"} 4",
        "outrigger_budget_wait_seconds_count{lane=\"order\",client=\"client\"} 3",
        "outrigger_venue_breaker_state{state=\"open\"} 1",
        "outrigger_venue_breaker_refused_total 6",
        "outrigger_venue_stream_state{state=\"degraded\"} 1",
        "outrigger_venue_stream_state{state=\"live\"} 0",
        "outrigger_venue_strand_state{strand=\"1\",state=\"live\"} 1",
        "outrigger_venue_strand_state{strand=\"2\",state=\"live\"} 0",
        "outrigger_book_strand_first_total{strand=\"2\"} 7",
        "outrigger_venue_stream_transitions_total{state=\"live\"} 2",
        "outrigger_venue_stream_endings_total{reason=\"tls\"} 3",
        "outrigger_venue_channel_frames_total{channel=\"trade\"} 9",
        "outrigger_venue_lag_seconds_sum{channel=\"trade\",since=\"sent\"} 2.5",
        "outrigger_venue_lag_seconds_count{channel=\"trade\",since=\"sent\"} 9",
        "outrigger_venue_lag_seconds_bucket{le=\"0.005\",channel=\"trade\",since=\"sent\"} 8",
        "outrigger_venue_lag_seconds_bucket{le=\"+Inf\",channel=\"trade\",since=\"sent\"} 9",
        "outrigger_venue_trust_back_seconds_count 2",
        "outrigger_ledger_jobs_total{state=\"queued\"} 7",
        "outrigger_ledger_commit_entries_count 0",
        "# EOF",
    ] {
        assert!(text.lines().any(|shown| shown == line), "{line} is not in\n{text}");
    }
    let shown: BTreeSet<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE "))
        .filter_map(|rest| rest.split(' ').next())
        .collect();
    let families: Vec<_> = READINGS
        .iter()
        .map(|(family, _)| family)
        .chain(&LABELLED)
        .chain(&BUDGET)
        .chain(&STREAM)
        .chain(&LEDGER)
        .collect();
    for family in &families {
        let name = family.full_name();
        assert!(shown.contains(name.trim_end_matches("_total")), "{name} is not shown");
    }
    assert_eq!(shown.len(), families.len(), "something is shown that is not declared");
}

#[test]
fn figures_of_the_process_are_real() {
    let text = Metrics::new(Counted::default(), Arc::new(Quiet)).render();
    let value = |name: &str| -> u64 {
        let line = text.lines().find_map(|line| line.strip_prefix(&format!("outrigger_{name} ")));
        line.unwrap().parse().unwrap()
    };
    assert!(value("process_resident_memory_bytes") > 1 << 20);
    assert!(value("process_start_time_seconds") > 1_700_000_000);
    assert!(value("process_threads") >= 1 && value("process_open_files") >= 3);
}

//! More asked than may be sent, and a venue that does not answer: what leaves, in which order, and what fails at once.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test: what fails is a panic that says where"
)]

#[expect(dead_code, reason = "each test binary uses its own part of the bench")]
mod fake;
#[path = "fake/orders.rs"]
mod orders;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::time::{Duration, Instant};

use fake::{Bench, DEADLINE, Fake, Reply, clock};
use orders::{CREATED, ORDERS, cancel, create};
use outrigger_engine::actors::messages::DeskMessage;
use outrigger_engine::domain::{Clock, Monotonic, Now, OrderId};
use outrigger_engine::venue::{VenueRequest, VenueWrite, WriteKind, WriteOutcome};

const PLACEMENTS: u64 = 10_000;
const SECOND: u64 = 1_000_000_000;

async fn ask(bench: &Bench, attempt: u64, write: VenueWrite) {
    let order_id = OrderId(uuid::Uuid::from_u128(7));
    bench.requests.send(VenueRequest::Write { order_id, attempt, write }).await.unwrap();
}

async fn outcome(bench: &mut Bench, attempt: u64) -> WriteOutcome {
    bench
        .desk(|message| match message {
            DeskMessage::Venue(reply) if reply.attempt == attempt => Some(reply.outcome),
            _ => None,
        })
        .await
}

async fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + DEADLINE;
    while !condition() {
        assert!(Instant::now() < deadline, "{what} in time");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// A clock whose wall runs and whose other hand is moved by the test.
fn by_hand() -> (Arc<AtomicU64>, Clock) {
    let (at, wall) = (Arc::new(AtomicU64::new(0)), clock());
    let hand = Arc::clone(&at);
    (at, Arc::new(move || Now { wall: wall().wall, monotonic: Monotonic(hand.load(SeqCst)) }))
}

#[tokio::test]
async fn a_cancel_passes_ten_thousand_placements_on_the_wire() {
    let fake =
        Fake::open(|request| (request.method != "GET").then(|| Reply::Json(200, CREATED.to_owned()))).await;
    let (at, clock) = by_hand();
    let mut bench = Bench::start_at(fake.addr, clock, |_| {});
    // Time passes until the limits are read, and the buckets are full.
    while !bench.status.is_limits_read() {
        at.fetch_add(SECOND / 5, SeqCst);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    at.fetch_add(60 * SECOND, SeqCst);
    for attempt in 0..PLACEMENTS {
        ask(&bench, attempt, create(&format!("c{attempt}"))).await;
    }
    let waiting = |bench: &Bench, lane: &str| {
        bench.status.budget().lanes.iter().find(|figures| figures.lane == lane).unwrap().waiting as u64
    };
    // Of 2,400 tokens a tenth is the cancels', and what refills in 50 ms stays.
    let at_once = (2_400 - 240 - 60) / 10;
    until("all others wait", || waiting(&bench, "order") == PLACEMENTS - at_once).await;
    until("the first are there", || fake.requests("POST", ORDERS).len() as u64 == at_once).await;
    ask(&bench, PLACEMENTS, cancel("v-1")).await;
    assert!(matches!(outcome(&mut bench, PLACEMENTS).await, WriteOutcome::Accepted(_)));
    assert_eq!(fake.requests("POST", ORDERS).len() as u64, at_once, "not one placement went before it");
    assert_eq!(fake.requests("DELETE", &format!("{ORDERS}/v-1")).len(), 1);
    // Then they go on, first come, first served.
    at.fetch_add(SECOND, SeqCst);
    let more = at_once + 1_200 / 10 - 1;
    until("more placements", || fake.requests("POST", ORDERS).len() as u64 >= more).await;
    assert!(waiting(&bench, "order") <= PLACEMENTS - more);
}

#[tokio::test]
async fn a_venue_that_fails_gets_no_orders_but_every_cancel_until_it_answers() {
    let is_ill = Arc::new(AtomicBool::new(false));
    let ill = Arc::clone(&is_ill);
    let fake = Fake::open(move |request| {
        if ill.load(SeqCst) {
            return Some(Reply::Json(503, String::new()));
        }
        (request.method != "GET").then(|| Reply::Json(200, CREATED.to_owned()))
    })
    .await;
    let mut bench = Bench::start(fake.addr, |_| {});
    bench.until("limits", |status| status.is_limits_read()).await;
    is_ill.store(true, SeqCst);
    let state = |bench: &Bench, wanted: &str| {
        bench.status.breaker().states().iter().any(|(state, is_now, _)| *state == wanted && *is_now)
    };
    for attempt in 0.. {
        ask(&bench, attempt, create(&format!("c{attempt}"))).await;
        let outcome = outcome(&mut bench, attempt).await;
        if let WriteOutcome::NotSent { reason } = outcome {
            assert!(reason.contains("does not answer") && reason.contains("try again in"), "{reason}");
            break;
        }
        assert!(
            matches!(outcome, WriteOutcome::Unknown { .. }),
            "{outcome:?}: a server error proves nothing"
        );
        assert!(attempt < 10, "five failures are enough");
    }
    assert!(bench.status.problems().iter().any(|(part, _)| *part == "breaker"));
    let sent = fake.requests("POST", ORDERS).len();
    ask(&bench, 100, cancel("v-1")).await;
    let cancels = || fake.requests("DELETE", &format!("{ORDERS}/v-1")).len();
    until("the cancel is tried again and again", || cancels() >= 3).await;
    assert!(state(&bench, "open") || state(&bench, "half_open"), "failing cancels do not close it");
    assert_eq!(fake.requests("POST", ORDERS).len(), sent, "no order left meanwhile");
    is_ill.store(false, SeqCst);
    assert!(matches!(outcome(&mut bench, 100).await, WriteOutcome::Accepted(_)));
    until("closed", || state(&bench, "closed")).await;
    assert!(bench.status.problems().iter().all(|(part, _)| *part != "breaker"));
    ask(&bench, 101, create("after")).await;
    assert!(matches!(outcome(&mut bench, 101).await, WriteOutcome::Accepted(_)));
}

#[tokio::test]
async fn without_anything_to_do_a_probe_finds_the_venue_again() {
    let is_ill = Arc::new(AtomicBool::new(false));
    let ill = Arc::clone(&is_ill);
    let fake = Fake::open(move |_| ill.load(SeqCst).then(|| Reply::Json(500, String::new()))).await;
    let mut bench = Bench::start(fake.addr, |_| {});
    bench.until("limits", |status| status.is_limits_read()).await;
    is_ill.store(true, SeqCst);
    for attempt in 0..5 {
        ask(&bench, attempt, create("x")).await;
        outcome(&mut bench, attempt).await;
    }
    let is_open = |bench: &Bench| !bench.status.breaker().states()[0].1;
    until("open", || is_open(&bench)).await;
    is_ill.store(false, SeqCst);
    until("closed by its own probe", || !is_open(&bench)).await;
}

/// Refusals are answers: a limiter that says no a hundred times is there, and so is a venue that knows nothing.
#[tokio::test]
async fn refusals_do_not_open_it() {
    let fake = Fake::open(|request| match request.method.as_str() {
        "POST" => Some(Reply::Json(400, r#"{"error":{"code":"invalid_price","message":"m"}}"#.to_owned())),
        "DELETE" => Some(Reply::Json(404, r#"{"error":{"code":"not_found","message":"m"}}"#.to_owned())),
        _ => None,
    })
    .await;
    let mut bench = Bench::start(fake.addr, |_| {});
    bench.until("limits", |status| status.is_limits_read()).await;
    for attempt in 0..20 {
        let write = if attempt % 2 == 0 { create("x") } else { cancel("v-1") };
        let kind = write.kind();
        ask(&bench, attempt, write).await;
        let outcome = outcome(&mut bench, attempt).await;
        match kind {
            WriteKind::Cancel => assert!(matches!(outcome, WriteOutcome::Unknown { .. }), "{outcome:?}"),
            _ => assert!(matches!(outcome, WriteOutcome::Refused(_)), "{outcome:?}"),
        }
    }
    assert!(bench.status.breaker().states()[0].1, "still closed");
}

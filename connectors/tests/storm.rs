//! Networks that fail: how often they are tried, and that a healed one is used.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test: what fails is a panic that says where"
)]

#[expect(dead_code, reason = "each test binary uses its own part of the bench")]
mod fake;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use fake::{Bench, Fake};
use outrigger_engine::venue::FeedState;
use tokio::net::{TcpListener, TcpStream};

/// Long enough for the waits to reach their ceiling: without them there would be thousands of tries.
const STORM: Duration = Duration::from_secs(12);
const ALLOWED: usize = 10;

/// A door that closes on the first `closed` who knock and lets all others through to `venue`.
async fn door(venue: SocketAddr, closed: usize) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let knocks = Arc::new(AtomicUsize::new(0));
    let counter = knocks.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            if counter.fetch_add(1, SeqCst) < closed {
                continue;
            }
            tokio::spawn(async move {
                let mut inside = TcpStream::connect(venue).await.unwrap();
                // Either side may end it.
                let _ = tokio::io::copy_bidirectional(&mut stream, &mut inside).await;
            });
        }
    });
    (addr, knocks)
}

fn connects(bench: &Bench) -> usize {
    let counters = bench.status.counters();
    usize::try_from(counters.into_iter().find(|(name, _)| *name == "connects").unwrap().1).unwrap()
}

fn ending(bench: &Bench) -> &'static str {
    bench.status.stream().endings()[0].0
}

#[tokio::test]
async fn a_venue_that_takes_the_connection_and_closes_it_is_not_stormed() {
    let fake = Fake::open(|_| None).await;
    let (addr, knocks) = door(fake.addr, usize::MAX).await;
    let bench =
        Bench::start(fake.addr, |config| config.urls.websocket = format!("ws://{addr}/trade-api/ws/v2"));
    tokio::time::sleep(STORM).await;
    let knocks = knocks.load(SeqCst);
    assert!((3..=ALLOWED).contains(&knocks), "{knocks} connections");
    assert_eq!(ending(&bench), "cut");
}

#[tokio::test]
async fn a_port_that_refuses_is_not_stormed() {
    let fake = Fake::open(|_| None).await;
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let bench =
        Bench::start(fake.addr, |config| config.urls.websocket = format!("ws://{closed}/trade-api/ws/v2"));
    tokio::time::sleep(STORM).await;
    let tries = connects(&bench);
    assert!((3..=ALLOWED).contains(&tries), "{tries} tries");
    assert_eq!(ending(&bench), "unreachable");
    let problems = bench.status.problems();
    assert!(problems.iter().any(|(part, problem)| *part == "stream" && problem.message.contains("firewall")));
}

#[tokio::test]
async fn a_healed_network_is_used_within_one_step() {
    let mut fake = Fake::open(|_| None).await;
    let (addr, _) = door(fake.addr, 4).await;
    let bench =
        Bench::start(fake.addr, |config| config.urls.websocket = format!("ws://{addr}/trade-api/ws/v2"));
    let mut socket = fake.socket().await;
    socket.acknowledge(4).await;
    bench.until("live", |status| status.feed().state == FeedState::Live).await;
    assert_eq!(connects(&bench), 5, "the first try after it healed");
}

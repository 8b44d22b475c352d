//! Each way the handshake of the stream can fail, against the exchange itself: what it is called, that a person is told the way
//! out, that TLS fails closed, and that what needs a person is not tried again at once.
#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test: what fails is a panic that says where"
)]

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use outrigger_connectors::{Credential, VenueConfig, VenuePorts, VenueStatus, VenueTasks, VenueUrls, start};
use outrigger_engine::domain::{Catalog, Clock, Monotonic, Now, WallTime};
use outrigger_engine::risk::HaltSwitch;
use outrigger_engine::venue::FeedState;
use outrigger_simulator::{FaultSpec, KeyEntry, Options, Running, Tls, TlsMode, spawn};
use outrigger_tests::keys::Key;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

const WITHIN: Duration = Duration::from_secs(30);

fn clock() -> Clock {
    let started = Instant::now();
    Arc::new(move || Now {
        wall: WallTime(i64::try_from(std::time::UNIX_EPOCH.elapsed().unwrap().as_micros()).unwrap()),
        monotonic: Monotonic(u64::try_from(started.elapsed().as_nanos()).unwrap()),
    })
}

/// An exchange that fails as told, with an account.
struct Venue {
    running: Running,
    credential: Arc<Credential>,
    _folder: tempfile::TempDir,
}

fn venue(faults: &str, tls: Option<TlsMode>) -> Venue {
    let folder = tempfile::tempdir().unwrap();
    let key = Key::make(folder.path(), "test-account").unwrap();
    let public_pem = std::fs::read_to_string(&key.public_file).unwrap();
    let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let rules: toml::Table = toml::from_str(faults).unwrap();
    let rules = rules.get("faults").and_then(|rules| rules.as_array()).cloned().unwrap_or_default();
    let options = Options {
        listen,
        keys: vec![KeyEntry { id: key.id.clone(), public_pem }],
        faults: rules.into_iter().map(|rule| rule.try_into::<FaultSpec>().unwrap()).collect(),
        tls: tls.into_iter().map(|mode| Tls { listen, mode }).collect(),
        ..Options::default()
    };
    let private = std::fs::read(&key.private_file).unwrap();
    let credential = Arc::new(Credential::from_pem(&key.id, &private).unwrap());
    Venue { running: spawn(options).unwrap(), credential, _folder: folder }
}

/// A connector at `url`; its lanes are drained and forgotten.
fn connect(venue: &Venue, url: &str) -> (Arc<VenueStatus>, VenueTasks) {
    let (books, mut books_end) = mpsc::channel(1_024);
    let (desk, mut desk_end) = mpsc::channel(1_024);
    let (_, requests) = mpsc::channel(1);
    let (_, feed_commands) = mpsc::channel(1);
    let ((_, look_ups), (_, samples)) = (mpsc::channel(1), mpsc::channel(1));
    tokio::spawn(async move { while books_end.recv().await.is_some() {} });
    tokio::spawn(async move { while desk_end.recv().await.is_some() {} });
    let status = Arc::new(VenueStatus::default());
    let ports = VenuePorts {
        books,
        desk,
        catalog: Arc::new(Catalog::default()),
        requests,
        feed_commands,
        look_ups,
        samples,
        status: Arc::clone(&status),
        halt: Arc::new(HaltSwitch::default()),
        clock: clock(),
        frames: None,
    };
    let config = VenueConfig::new(VenueUrls::at(url).unwrap(), Arc::clone(&venue.credential));
    let tasks = start(config, ports, &tokio::runtime::Handle::current(), CancellationToken::new()).unwrap();
    (status, tasks)
}

async fn until(what: &str, condition: impl Fn() -> bool) {
    let deadline = Instant::now() + WITHIN;
    while !condition() {
        assert!(Instant::now() < deadline, "{what} in time");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn told(status: &VenueStatus) -> String {
    let problems = status.problems();
    let stream = problems.into_iter().find(|(part, _)| *part == "stream");
    stream.map(|(_, problem)| problem.message).unwrap_or_default()
}

fn connects(status: &VenueStatus) -> u64 {
    status.counters().into_iter().find(|(name, _)| *name == "connects").unwrap().1
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_that_fails_fails_closed_names_the_clock_and_is_not_hammered() {
    for mode in [TlsMode::Expired, TlsMode::WrongName, TlsMode::SelfSigned] {
        let venue = venue("", Some(mode));
        let url = format!("https://localhost:{}", venue.running.tls_addrs()[0].port());
        let (status, tasks) = connect(&venue, &url);
        until("an ending", || !status.stream().endings().is_empty()).await;
        assert_eq!(status.stream().endings(), [("tls", 1)], "{mode:?}");
        assert!(told(&status).contains("clock"), "{mode:?}: {}", told(&status));
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert_eq!((connects(&status), status.feed().state), (1, FeedState::BackingOff), "{mode:?}");
        assert!(tasks.drain(WITHIN).await);
        venue.running.stop();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handshake_that_ends_early_is_tried_again() {
    let venue = venue("", Some(TlsMode::Aborted));
    let (status, tasks) =
        connect(&venue, &format!("https://localhost:{}", venue.running.tls_addrs()[0].port()));
    until("another try", || connects(&status) >= 3).await;
    assert_eq!(status.stream().endings()[0].0, "cut", "{}", told(&status));
    assert!(tasks.drain(WITHIN).await);
    venue.running.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upgrade_that_fails_for_a_while_is_live_once_it_is_let() {
    for (fault, kind) in [
        ("fault = \"status\"\nstatus = 503", "http_status"),
        ("fault = \"status\"\nstatus = 429", "rate_limit"),
        ("fault = \"drop\"", "cut"),
        ("fault = \"reset\"", "cut"),
        ("fault = \"hang\"", "timeout"),
    ] {
        let venue = venue(&format!("[[faults]]\nsocket = \"upgrade\"\ncount = 1\n{fault}"), None);
        let (status, tasks) = connect(&venue, &format!("http://{}", venue.running.addr()));
        until("live", || status.feed().state == FeedState::Live).await;
        assert_eq!(status.stream().endings(), [(kind, 1)], "{fault}");
        assert!(status.feed().generation.0 == 2 && told(&status).is_empty(), "{fault}: {}", told(&status));
        assert!(tasks.drain(WITHIN).await);
        venue.running.stop();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_the_exchange_forbids_is_told_and_waits() {
    let venue = venue("[[faults]]\nsocket = \"upgrade\"\nfault = \"status\"\nstatus = 403", None);
    let (status, tasks) = connect(&venue, &format!("http://{}", venue.running.addr()));
    until("an ending", || !status.stream().endings().is_empty()).await;
    assert!(told(&status).contains("scopes"), "{}", told(&status));
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!((connects(&status), status.stream().endings()), (1, vec![("auth", 1)]));
    assert!(tasks.drain(WITHIN).await);
    venue.running.stop();
}

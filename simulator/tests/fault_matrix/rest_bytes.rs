//! Faults in the connections that requests come on.

use std::io::{ErrorKind, Read as _, Write as _};
use std::time::{Duration, Instant};

use crate::world::{Answer, ORDERS, QUIET, World};

fn placed_as(fault: &str) -> World {
    World::with(&format!("[[faults]]\nroute = 'POST {ORDERS}'\nfault = '{fault}'\ncount = 1"))
}

/// Shows how a request ends, and which orders rest then.
fn ends(fault: &str, expected: Result<usize, ErrorKind>, resting: &[&str]) {
    let world = placed_as(fault);
    let order = world.order("a");
    let mut stream = world.begin("POST", ORDERS, Some(&order));
    if expected == Err(ErrorKind::WouldBlock) {
        stream.set_read_timeout(Some(QUIET)).unwrap();
    }
    let ended = stream.read(&mut [0; 16]).map_err(|error| error.kind());
    assert_eq!(ended, expected);
    assert_eq!(world.resting(), resting);
    world.is_well();
}

#[test]
fn a_request_is_dropped() {
    ends("drop", Ok(0), &[]);
}

#[test]
fn a_connection_is_reset() {
    ends("reset", Err(ErrorKind::ConnectionReset), &[]);
}

#[test]
fn a_request_hangs() {
    ends("hang", Err(ErrorKind::WouldBlock), &[]);
}

#[test]
fn accepted_then_dropped() {
    ends("accept_then_drop", Ok(0), &["a"]);
}

#[test]
fn accepted_then_reset() {
    ends("accept_then_reset", Err(ErrorKind::ConnectionReset), &["a"]);
}

#[test]
fn accepted_then_hanging() {
    ends("accept_then_hang", Err(ErrorKind::WouldBlock), &["a"]);
}

#[test]
fn a_half_open_connection_takes_nothing_and_says_nothing() {
    let world = placed_as("half_open");
    let order = world.order("a");
    let mut stream = world.begin("POST", ORDERS, Some(&order));
    stream.set_read_timeout(Some(QUIET)).unwrap();
    assert_eq!(stream.read(&mut [0; 16]).unwrap_err().kind(), ErrorKind::WouldBlock, "no answer, no end");
    stream.set_write_timeout(Some(QUIET)).unwrap();
    let full = (0..64).find_map(|_| stream.write_all(&vec![0; 1024 * 1024]).err()).unwrap();
    assert_eq!(full.kind(), ErrorKind::WouldBlock, "nobody reads");
    assert!(world.resting().is_empty());
    world.is_well();
}

#[test]
fn a_reply_trickles_byte_by_byte() {
    let world =
        World::with("[[faults]]\nroute = 'GET /exchange/schedule'\nfault = 'trickle'\nms = 2\ncount = 1");
    let mut stream = world.begin("GET", "/exchange/schedule", None);
    let (began, mut bytes, mut reads) = (Instant::now(), Vec::new(), 0);
    let mut buffer = [0; 4096];
    loop {
        match stream.read(&mut buffer).unwrap() {
            0 => break,
            count => bytes.extend_from_slice(&buffer[..count]),
        }
        reads += 1;
    }
    assert!(reads > bytes.len() / 2, "{reads} reads of {} bytes", bytes.len());
    assert!(began.elapsed() >= Duration::from_millis(2) * u32::try_from(bytes.len()).unwrap());
    assert!(Answer::read(&bytes).json()["schedule"].is_object());
    world.is_well();
}

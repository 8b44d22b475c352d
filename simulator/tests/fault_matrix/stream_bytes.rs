//! Faults in the connection of a socket, and in how it opens and ends.

use std::io::{ErrorKind, Read as _, Write as _};
use std::time::{Duration, Instant};

use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Error as WsError, Message};

use crate::world::{Client, ORDERS, QUIET, World};

/// A rule that meets the first delta; the snapshot is the first frame.
async fn watching(fault: &str) -> (World, Client) {
    let world = World::with(&format!("[[faults]]\nchannel = 'orderbook_delta'\nnth = 2\n{fault}"));
    let mut client = Client::connect(world.addr).await.unwrap();
    client.subscribe("orderbook_delta", &world.markets[0]).await;
    assert_eq!(client.json().await["type"], "orderbook_snapshot");
    assert_eq!(world.post(ORDERS, world.order("a")).status, 201);
    (world, client)
}

fn status_of(refused: Result<Client, WsError>) -> u16 {
    match refused.err() {
        Some(WsError::Http(response)) => response.status().as_u16(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_socket_is_disconnected_without_a_word() {
    let (world, mut client) = watching("fault = 'disconnect'").await;
    let end = client.next().await;
    let abrupt = matches!(end, Err(WsError::Protocol(ProtocolError::ResetWithoutClosingHandshake)));
    assert!(abrupt, "{end:?}");
    world.streams_well().await;
}

#[tokio::test]
async fn a_socket_is_reset() {
    let (world, mut client) = watching("fault = 'reset'").await;
    match client.next().await {
        Err(WsError::Io(error)) => assert_eq!(error.kind(), ErrorKind::ConnectionReset),
        other => panic!("{other:?}"),
    }
    world.streams_well().await;
}

#[tokio::test]
async fn a_half_open_socket_says_nothing_and_takes_nothing() {
    let (world, client) = watching("fault = 'half_open'").await;
    let mut tcp = duplicate(client.stream.get_ref());
    tcp.set_nonblocking(false).unwrap();
    tcp.set_read_timeout(Some(QUIET)).unwrap();
    tcp.set_write_timeout(Some(QUIET)).unwrap();
    assert_eq!(tcp.read(&mut [0; 16]).unwrap_err().kind(), ErrorKind::WouldBlock, "no frame, no end");
    let full = (0..64).find_map(|_| tcp.write_all(&vec![0; 1024 * 1024]).err()).unwrap();
    assert_eq!(full.kind(), ErrorKind::WouldBlock, "nobody reads");
    world.streams_well().await;
}

#[tokio::test]
async fn frames_trickle_byte_by_byte() {
    let (world, mut client) = watching("fault = 'trickle'\nms = 2").await;
    let began = Instant::now();
    let text = client.text().await;
    assert!(text.contains("orderbook_delta"));
    assert!(began.elapsed() >= Duration::from_millis(2) * u32::try_from(text.len() / 2).unwrap());
    world.streams_well().await;
}

#[tokio::test]
async fn maintenance_closes_in_order_and_refuses_for_a_while() {
    let (world, mut client) = watching("fault = 'maintenance'\nms = 1_200").await;
    match client.next().await.unwrap() {
        Some(Message::Close(Some(frame))) => assert_eq!(frame.code, CloseCode::Away),
        other => panic!("{other:?}"),
    }
    assert_eq!(status_of(Client::connect(world.addr).await), 503);
    tokio::time::sleep(Duration::from_millis(1_300)).await;
    world.streams_well().await;
}

#[tokio::test]
async fn upgrades_are_refused_delayed_dropped_and_judged_by_another_clock() {
    let world = World::with(
        "[[faults]]\nsocket = 'upgrade'\nnth = 1\nfault = 'status'\nstatus = 429
         [[faults]]\nsocket = 'upgrade'\nnth = 2\nfault = 'delay'\nms = 500
         [[faults]]\nsocket = 'upgrade'\nnth = 3\nfault = 'skew'\nms = -3_600_000
         [[faults]]\nsocket = 'upgrade'\nnth = 4\nfault = 'skew'\nms = -3_600_000
         [[faults]]\nsocket = 'upgrade'\nnth = 5\nfault = 'drop'",
    );
    assert_eq!(status_of(Client::connect(world.addr).await), 429);
    let began = Instant::now();
    assert!(Client::connect(world.addr).await.is_ok());
    assert!(began.elapsed() >= Duration::from_millis(500));
    assert_eq!(status_of(Client::connect(world.addr).await), 401);
    assert!(Client::connect_at(world.addr, -3_600_000).await.is_ok());
    assert!(!matches!(Client::connect(world.addr).await, Ok(_) | Err(WsError::Http(_))));
    world.streams_well().await;
}

/// The same connection without the runtime.
fn duplicate(stream: &tokio::net::TcpStream) -> std::net::TcpStream {
    use std::os::fd::AsFd as _;
    stream.as_fd().try_clone_to_owned().unwrap().into()
}

//! The port in front of the exchange's own: carries bytes, and can do to them what no server library can.
//!
//! Every connection is registered under the address by which the server behind sees it, before its first byte goes on.

use std::collections::HashMap;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::Faults;
use super::link::{Link, Mode};
use super::tls::Gate;

/// A frozen connection is kept at most so long.
const FROZEN_MAX: Duration = Duration::from_secs(600);
const HANDSHAKE_MAX: Duration = Duration::from_secs(10);
const ACCEPT_AGAIN: Duration = Duration::from_millis(50);
const BUFFER_BYTES: usize = 16 * 1024;

/// A port in front, and what its clients must do first.
pub(crate) struct Door {
    pub(crate) listener: TcpListener,
    pub(crate) gate: Option<Gate>,
}

/// Carries the connections of all doors to `server` on a thread of its own, until `end` is cancelled; takes no new ones
/// from when `closing` is.
pub(crate) fn start(
    doors: Vec<Door>,
    server: SocketAddr,
    faults: Faults,
    closing: CancellationToken,
    end: CancellationToken,
) -> io::Result<JoinHandle<()>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    for door in &doors {
        door.listener.set_nonblocking(true)?;
    }
    thread::Builder::new().name("exchange-front".to_owned()).spawn(move || {
        runtime.block_on(async move {
            for door in doors {
                let (faults, closing) = (faults.clone(), closing.clone());
                tokio::spawn(async move {
                    if let Err(error) = admit(door, server, faults, closing).await {
                        tracing::error!(%error, "a port of the exchange's front is lost");
                    }
                });
            }
            end.cancelled().await;
        });
    })
}

async fn admit(door: Door, server: SocketAddr, faults: Faults, closing: CancellationToken) -> io::Result<()> {
    let listener = tokio::net::TcpListener::from_std(door.listener)?;
    let gate = door.gate.map(Arc::new);
    loop {
        let accepted = tokio::select! {
            () = closing.cancelled() => return Ok(()),
            accepted = listener.accept() => accepted,
        };
        let Ok((stream, client)) = accepted else {
            tokio::time::sleep(ACCEPT_AGAIN).await;
            continue;
        };
        let (faults, gate) = (faults.clone(), gate.clone());
        tokio::spawn(async move {
            if let Err(error) = receive(stream, client, gate, server, &faults).await {
                tracing::debug!(%client, %error, "a client's connection failed");
            }
        });
    }
}

async fn receive(
    stream: TcpStream,
    client: SocketAddr,
    gate: Option<Arc<Gate>>,
    server: SocketAddr,
    faults: &Faults,
) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let Some(gate) = gate else { return carry(stream, |stream| stream, client, server, faults).await };
    match tokio::time::timeout(HANDSHAKE_MAX, gate.admit(stream)).await {
        Ok(Ok(Some(stream))) => carry(stream, |stream| stream.get_ref().0, client, server, faults).await,
        Ok(Ok(None)) => Ok(()),
        Ok(Err(error)) => Err(error),
        Err(_) => Err(io::ErrorKind::TimedOut.into()),
    }
}

/// Carries one connection to its end, whatever that is.
async fn carry<S: AsyncRead + AsyncWrite + Unpin>(
    client: S,
    tcp: fn(&S) -> &TcpStream,
    address: SocketAddr,
    server: SocketAddr,
    faults: &Faults,
) -> io::Result<()> {
    let behind = TcpStream::connect(server).await?;
    behind.set_nodelay(true)?;
    let link = Link::new(address);
    let registered = Registered::new(faults, behind.local_addr()?, link.clone());
    let mut mode = link.mode.subscribe();
    let (mut from_client, mut to_client) = tokio::io::split(client);
    let (mut from_server, mut to_server) = tokio::io::split(behind);
    let both = async {
        let upstream = async {
            let heard = copy(&mut from_client, &mut to_server, None).await;
            link.ended.cancel();
            heard
        };
        tokio::try_join!(upstream, copy(&mut from_server, &mut to_client, Some(link.mode.subscribe())),)
    };
    let carried = tokio::select! {
        biased;
        _ = mode.wait_for(|mode| !mode.carries()) => Ok(()),
        carried = both => carried.map(drop),
    };
    let last = *link.mode.borrow();
    drop((from_server, to_server));
    let client = from_client.unsplit(to_client);
    match last {
        Mode::Frozen => {
            drop(registered);
            tokio::time::sleep(FROZEN_MAX).await;
        }
        Mode::Reset => tcp(&client).set_zero_linger()?,
        Mode::Pass | Mode::Trickle(_) | Mode::Close => {}
    }
    carried
}

/// Copies one direction; bytes to the client go at the pace of the mode.
async fn copy(
    from: &mut (impl AsyncRead + Unpin),
    to: &mut (impl AsyncWrite + Unpin),
    mode: Option<watch::Receiver<Mode>>,
) -> io::Result<()> {
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        let count = from.read(&mut buffer).await?;
        let mut bytes = buffer.get(..count).unwrap_or_default();
        if bytes.is_empty() {
            return to.shutdown().await;
        }
        while let Some((first, rest)) = bytes.split_first() {
            let pace = mode.as_ref().map_or(Mode::Pass, |mode| *mode.borrow());
            let Mode::Trickle(gap) = pace else { break };
            to.write_all(&[*first]).await?;
            to.flush().await?;
            tokio::time::sleep(gap).await;
            bytes = rest;
        }
        to.write_all(bytes).await?;
        to.flush().await?;
    }
}

/// A link is known for as long as its connection lives.
struct Registered {
    faults: Faults,
    key: SocketAddr,
    ended: CancellationToken,
}

impl Registered {
    fn new(faults: &Faults, key: SocketAddr, link: Link) -> Registered {
        let ended = link.ended.clone();
        let links: &mut HashMap<_, _> = &mut faults.0.links.lock();
        links.insert(key, link);
        Registered { faults: faults.clone(), key, ended }
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        self.ended.cancel();
        self.faults.0.links.lock().remove(&self.key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_that_leaves_is_noticed_although_nobody_answers() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let server = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let door = listener.local_addr().unwrap();
            let faults = Faults::new(&[], 1).unwrap();
            let (closing, end) = (CancellationToken::new(), CancellationToken::new());
            let doors = vec![Door { listener, gate: None }];
            let address = server.local_addr().unwrap();
            let thread = start(doors, address, faults.clone(), closing, end.clone()).unwrap();
            let client = TcpStream::connect(door).await.unwrap();
            let (_behind, peer) = server.accept().await.unwrap();
            let registered = async {
                loop {
                    let link = faults.0.links.lock().get(&peer).cloned();
                    match link {
                        Some(link) => return link,
                        None => tokio::time::sleep(Duration::from_millis(1)).await,
                    }
                }
            };
            let link = tokio::time::timeout(HANDSHAKE_MAX, registered).await.unwrap();
            assert_eq!(link.client, client.local_addr().unwrap());
            drop(client);
            tokio::time::timeout(HANDSHAKE_MAX, link.ended.cancelled()).await.unwrap();
            end.cancel();
            thread.join().unwrap();
        });
    }
}

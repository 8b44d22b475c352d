//! Passes bytes between a sidecar and an exchange, and cuts the sidecar's sockets one by one.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context as _, ensure};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Mutex;
use tokio::task::{AbortHandle, JoinHandle};

/// Every WebSocket's upgrade names this path; other connections are REST.
const SOCKET_PATH: &[u8] = b"/ws/";
/// A request's first line is in its first bytes.
const FIRST_BYTES: usize = 1_024;

/// Stands in front of an exchange until it is dropped.
pub struct Cutter {
    pub addr: SocketAddr,
    /// The sockets that are open, the oldest first.
    sockets: Arc<Mutex<Vec<AbortHandle>>>,
    task: JoinHandle<()>,
}

impl Cutter {
    pub async fn start(exchange: SocketAddr) -> anyhow::Result<Cutter> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let addr = listener.local_addr()?;
        let sockets = Arc::new(Mutex::new(Vec::new()));
        let task = tokio::spawn(serve(listener, exchange, Arc::clone(&sockets)));
        Ok(Cutter { addr, sockets, task })
    }

    /// Returns how many sockets are open.
    pub async fn open(&self) -> usize {
        let mut sockets = self.sockets.lock().await;
        sockets.retain(|socket| !socket.is_finished());
        sockets.len()
    }

    /// Cuts so many sockets, the oldest first, in the middle of whatever passes.
    pub async fn cut(&self, count: usize) -> anyhow::Result<()> {
        let open = self.open().await;
        ensure!(open >= count, "{open} sockets are open");
        self.sockets.lock().await.drain(..count).for_each(|socket| socket.abort());
        Ok(())
    }
}

impl Drop for Cutter {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(listener: TcpListener, exchange: SocketAddr, sockets: Arc<Mutex<Vec<AbortHandle>>>) {
    while let Ok((client, _)) = listener.accept().await {
        let sockets = Arc::clone(&sockets);
        tokio::spawn(async move {
            // What fails here is an end like any other, and the sidecar sees it.
            let _ = pass(client, exchange, &sockets).await;
        });
    }
}

async fn pass(
    mut client: TcpStream,
    exchange: SocketAddr,
    sockets: &Mutex<Vec<AbortHandle>>,
) -> anyhow::Result<()> {
    let mut first = vec![0; FIRST_BYTES];
    let count = client.read(&mut first).await?;
    first.truncate(count);
    let line = first.split(|byte| *byte == b'\n').next().context("a first line")?;
    let is_socket = line.windows(SOCKET_PATH.len()).any(|part| part == SOCKET_PATH);
    let mut server = TcpStream::connect(exchange).await?;
    server.write_all(&first).await?;
    let copy = tokio::spawn(async move { tokio::io::copy_bidirectional(&mut client, &mut server).await });
    if is_socket {
        sockets.lock().await.push(copy.abort_handle());
    }
    Ok(())
}

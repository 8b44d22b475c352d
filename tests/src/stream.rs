//! A client of the local stream, and a book rebuilt from its frames.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;

use crate::recording::{Book, Levels, read_levels};

const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// A connection to `/v1/stream`.
pub struct Stream {
    socket: WebSocketStream<TcpStream>,
    ended: bool,
    /// Frames that came while an answer was awaited.
    early: VecDeque<Value>,
    offsets: Offsets,
}

/// Checks that the offsets of each topic are gapless within an epoch.
#[derive(Debug, Default)]
pub struct Offsets {
    last: BTreeMap<String, (String, u64)>,
}

impl Stream {
    pub async fn connect(addr: SocketAddr, token: &str) -> anyhow::Result<Stream> {
        let mut request = format!("ws://{addr}/v1/stream").into_client_request()?;
        request.headers_mut().insert("Authorization", format!("Bearer {token}").parse()?);
        let socket = TcpStream::connect(addr).await?;
        let (socket, _) = tokio_tungstenite::client_async(request, socket).await?;
        Ok(Stream { socket, ended: false, early: VecDeque::new(), offsets: Offsets::default() })
    }

    /// Subscribes and waits for the answer; a refusal is an error.
    pub async fn subscribe(&mut self, topics: &[String]) -> anyhow::Result<()> {
        let request = json!({"id": 1, "op": "subscribe", "topics": topics});
        self.socket.send(Message::text(request.to_string())).await?;
        while let Some(frame) = self.receive(ANSWER_WITHIN).await? {
            match frame["op"].as_str() {
                Some("subscribed") => return Ok(()),
                Some("error") => bail!("the stream refused: {frame}"),
                _ => self.early.push_back(frame),
            }
        }
        bail!("no answer to a subscription")
    }

    /// Tells whether the connection has ended.
    pub fn ended(&self) -> bool {
        self.ended
    }

    /// Returns the next frame, `None` once the connection has ended or after `within` without one.
    pub async fn next(&mut self, within: Duration) -> anyhow::Result<Option<Value>> {
        match self.early.pop_front() {
            Some(frame) => Ok(Some(frame)),
            None => self.receive(within).await,
        }
    }

    async fn receive(&mut self, within: Duration) -> anyhow::Result<Option<Value>> {
        loop {
            let Ok(message) = tokio::time::timeout(within, self.socket.next()).await else { return Ok(None) };
            match message {
                Some(Ok(Message::Text(text))) => {
                    let frame: Value = serde_json::from_str(&text)?;
                    self.offsets.check(&frame)?;
                    return Ok(Some(frame));
                }
                Some(Ok(Message::Close(_)) | Err(_)) | None => {
                    self.ended = true;
                    return Ok(None);
                }
                Some(Ok(_)) => {}
            }
        }
    }
}

impl Offsets {
    /// Takes a frame's position in; a hole or a step back is an error.
    pub fn check(&mut self, frame: &Value) -> anyhow::Result<()> {
        let (Some(topic), Some(epoch), Some(offset)) =
            (frame["topic"].as_str(), frame["epoch"].as_str(), frame["offset"].as_u64())
        else {
            return Ok(());
        };
        let is_snapshot = frame["kind"] == "snapshot";
        if let Some((known, last)) = self.last.get(topic)
            && known == epoch
        {
            let follows = offset == last + 1 || (is_snapshot && offset >= *last);
            ensure!(follows, "{topic}: offset {offset} after {last}: {frame}");
        }
        self.last.insert(topic.to_owned(), (epoch.to_owned(), offset));
        Ok(())
    }
}

/// A book kept from `book:T` frames alone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mirror {
    pub book: Book,
    pub trust: String,
    pub seq: u64,
    pub snapshots: usize,
    pub deltas: usize,
}

impl Mirror {
    /// Takes a frame of the book's topic in.
    pub fn apply(&mut self, frame: &Value) -> anyhow::Result<()> {
        let data = &frame["data"];
        match frame["kind"].as_str().context("kind")? {
            // Before the first snapshot of the exchange there is no book to show.
            "snapshot" if data.is_null() => {}
            "snapshot" => {
                self.snapshots += 1;
                self.book = read_rest_book(data)?;
            }
            "delta" => {
                self.deltas += 1;
                let changed = read_rest_book(data)?;
                change(&mut self.book.yes, changed.yes);
                change(&mut self.book.no, changed.no);
            }
            "stale" | "live" => {}
            other => bail!("kind {other} on a book"),
        }
        if let Some(trust) = data["trust"].as_str() {
            self.trust = trust.to_owned();
        }
        self.seq = data["seq"].as_u64().unwrap_or(self.seq);
        Ok(())
    }
}

fn change(levels: &mut Levels, changed: Levels) {
    for (price, size) in changed {
        if size == 0 {
            levels.remove(&price);
        } else {
            levels.insert(price, size);
        }
    }
}

/// Reads the book shape of the local API: `yes` and `no`, best first.
pub fn read_rest_book(data: &Value) -> anyhow::Result<Book> {
    let side = |name: &str| {
        ensure!(data[name].is_array(), "no `{name}` in {data}");
        read_levels(&data[name]).with_context(|| format!("levels of {data}"))
    };
    Ok(Book { yes: side("yes")?, no: side("no")? })
}

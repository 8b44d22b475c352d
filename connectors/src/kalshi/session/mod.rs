//! One life of the venue's socket: connect signed, subscribe, read until it ends, and say why.
//!
//! Frames are read as many as wait, decoded, and handed on in one batch; a full lane makes the socket wait. Never here: what
//! a frame means for a book.

mod connect;
mod inbound;
mod subscriptions;

use std::time::Duration;

use futures_util::{FutureExt as _, SinkExt as _, StreamExt as _};
use outrigger_engine::domain::{Generation, Monotonic, Ticker};
use outrigger_engine::venue::{FeedCommand, FeedState};
use tokio_tungstenite::tungstenite::Message;
use tokio_util::sync::CancellationToken;

use super::feed::{Asks, Parts};
use connect::Socket;
use inbound::Inbound;
use subscriptions::Subscriptions;

/// Frames of one batch at most.
const BATCH_MAX: usize = 512;
const TICK: Duration = Duration::from_secs(1);
/// A quiet venue is pinged after this long; after `SILENT_MS` without any frame it is given up.
const PING_AFTER_MS: u64 = 10_000;
const SILENT_MS: u64 = 25_000;
/// Subscriptions must be acknowledged within this.
const ACK_WITHIN_MS: u64 = 10_000;

/// Runs one connection; returns why it ended.
pub(super) async fn run(
    parts: &Parts,
    generation: Generation,
    asks: &mut Asks,
    stop: &CancellationToken,
) -> String {
    let socket = tokio::select! {
        biased;
        () = stop.cancelled() => return "stopping".to_owned(),
        socket = connect::open(&parts.url, &parts.tls, &parts.signer) => socket,
    };
    match socket {
        Err(reason) => {
            parts.status.problem("stream", &reason, (parts.clock)().wall);
            reason
        }
        Ok(socket) => {
            let now = (parts.clock)().monotonic;
            let mut session = Session {
                parts,
                generation,
                socket,
                inbound: Inbound::new(generation),
                subscriptions: Subscriptions::default(),
                heard: now,
                began: now,
                is_live: false,
            };
            let reason = session.live(asks, stop).await;
            let _ = session.socket.close(None).now_or_never();
            reason
        }
    }
}

struct Session<'a> {
    parts: &'a Parts,
    generation: Generation,
    socket: Socket,
    inbound: Inbound,
    subscriptions: Subscriptions,
    heard: Monotonic,
    began: Monotonic,
    is_live: bool,
}

impl Session<'_> {
    async fn live(&mut self, asks: &mut Asks, stop: &CancellationToken) -> String {
        self.parts.announce(self.generation, FeedState::Subscribing, "subscribing").await;
        let first = self.subscriptions.first(&asks.wanted);
        if let Err(reason) = self.send(first).await {
            return reason;
        }
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            let step = tokio::select! {
                biased;
                () = stop.cancelled() => Err("stopping".to_owned()),
                Some(command) = asks.commands.recv() => self.command(command, asks).await,
                Some(tickers) = asks.wanted_lane.recv() => self.want(tickers, asks).await,
                message = self.socket.next() => self.read(message).await,
                _ = tick.tick() => self.tick().await,
            };
            if let Err(reason) = step {
                return reason;
            }
        }
    }

    /// Takes the message and all that wait behind it, and hands them on as one batch.
    async fn read(
        &mut self,
        first: Option<Result<Message, tokio_tungstenite::tungstenite::Error>>,
    ) -> Result<(), String> {
        let received = (self.parts.clock)();
        self.heard = received.monotonic;
        let mut next = Some(first);
        let mut taken = 0;
        let mut ended = None;
        while let Some(message) = next.take() {
            match message {
                Some(Ok(Message::Text(text))) => {
                    let told = self.inbound.text(text.as_str(), received, &self.parts.status);
                    self.subscriptions.told(told);
                }
                Some(Ok(Message::Close(frame))) => {
                    let why = frame.map_or_else(String::new, |f| format!(" ({} {})", f.code, f.reason));
                    ended = Some(format!("the exchange closed the stream{why}"));
                }
                Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Binary(_) | Message::Frame(_))) => {}
                Some(Err(error)) => ended = Some(format!("the stream broke: {error}")),
                None => ended = Some("the exchange closed the connection".to_owned()),
            }
            taken += 1;
            if ended.is_none() && taken < BATCH_MAX {
                next = self.socket.next().now_or_never();
            }
        }
        self.inbound.hand_on(self.parts).await;
        if let Some(reason) = ended.or_else(|| self.subscriptions.broken()) {
            return Err(reason);
        }
        let due = self.subscriptions.due();
        self.send(due).await?;
        if !self.is_live && self.subscriptions.are_acknowledged() {
            self.is_live = true;
            self.parts.status.solved("stream");
            tracing::info!(generation = self.generation.0, "connected to the exchange's stream");
            self.parts.announce(self.generation, FeedState::Live, "live").await;
        }
        Ok(())
    }

    async fn command(&mut self, command: FeedCommand, asks: &mut Asks) -> Result<(), String> {
        match command {
            FeedCommand::Want { tickers } => self.want(tickers, asks).await,
            FeedCommand::Snapshot { generation, sid, tickers } if generation == self.generation => {
                super::status::bump(&self.parts.status.counters.snapshot_requests);
                let now = (self.parts.clock)().monotonic;
                let frames = self.subscriptions.snapshot(sid, &tickers, &asks.wanted, now);
                self.send(frames).await
            }
            FeedCommand::Reconnect { generation, reason } if generation == self.generation => Err(reason),
            FeedCommand::Snapshot { .. } | FeedCommand::Reconnect { .. } => Ok(()),
        }
    }

    async fn want(&mut self, tickers: Vec<Ticker>, asks: &mut Asks) -> Result<(), String> {
        let new: Vec<Ticker> =
            tickers.into_iter().filter(|ticker| asks.wanted.insert(ticker.clone())).collect();
        let frames = self.subscriptions.add(&new);
        self.send(frames).await
    }

    async fn send(&mut self, frames: Vec<String>) -> Result<(), String> {
        if frames.is_empty() {
            return Ok(());
        }
        for frame in frames {
            self.socket
                .feed(Message::text(frame))
                .await
                .map_err(|error| format!("the stream broke: {error}"))?;
        }
        self.socket.flush().await.map_err(|error| format!("the stream broke: {error}"))
    }

    async fn tick(&mut self) -> Result<(), String> {
        let now = (self.parts.clock)().monotonic;
        let quiet_ms = now.millis_since(self.heard);
        if quiet_ms >= SILENT_MS {
            return Err(format!("nothing was heard for {quiet_ms} ms"));
        }
        if !self.is_live && now.millis_since(self.began) >= ACK_WITHIN_MS {
            return Err("subscriptions were not acknowledged in time".to_owned());
        }
        if quiet_ms >= PING_AFTER_MS {
            let ping = self.socket.send(Message::Ping(Vec::new().into())).await;
            ping.map_err(|error| format!("the stream broke: {error}"))?;
        }
        Ok(())
    }
}

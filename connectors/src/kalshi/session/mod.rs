//! One life of the venue's socket: connect signed, subscribe, read until it ends, and say why.
//!
//! Frames are read as many as wait, decoded, and handed on in one batch; a full lane makes the socket wait. Never here: what
//! a frame means for a book.

mod connect;
mod intake;
mod snapshots;
mod subscriptions;

use std::time::Duration;

use futures_util::{FutureExt as _, SinkExt as _, StreamExt as _};
use outrigger_engine::domain::{Generation, Monotonic};
use outrigger_engine::venue::{FeedCommand, FeedState};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_util::sync::CancellationToken;

use super::feed::{Asks, FeedWish, Parts};
use super::normalize::{Decoded, decode};
use super::status::bump;
use super::tap::Passing;
use connect::Socket;
pub(super) use intake::Taken;
use intake::{Intake, Place};
pub(super) use subscriptions::Subscriptions;
use subscriptions::Todo;

/// Frames of one batch at most.
const BATCH_MAX: usize = 512;
const TICK: Duration = Duration::from_secs(1);
/// A quiet venue is pinged after this long; after `SILENT_MS` without any frame it is given up.
const PING_AFTER_MS: u64 = 10_000;
const SILENT_MS: u64 = 25_000;
/// A peer that takes no bytes for this long does not read.
const SEND_WITHIN: Duration = Duration::from_secs(5);

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
            let now = (parts.clock)();
            parts.show(generation, now, Passing::Opened);
            let mut session = Session {
                parts,
                generation,
                socket,
                intake: Intake::new(generation),
                heard: now.monotonic,
                is_live: false,
            };
            let reason = session.live(asks, stop).await;
            parts.show(generation, (parts.clock)(), Passing::Closed(&reason));
            if !stop.is_cancelled() {
                parts.status.problem("stream", &reason, (parts.clock)().wall);
            }
            let _ = session.socket.close(None).now_or_never();
            reason
        }
    }
}

struct Session<'a> {
    parts: &'a Parts,
    generation: Generation,
    socket: Socket,
    intake: Intake,
    heard: Monotonic,
    is_live: bool,
}

impl Session<'_> {
    async fn live(&mut self, asks: &mut Asks, stop: &CancellationToken) -> String {
        self.parts.announce(self.generation, FeedState::Subscribing, "subscribing").await;
        let first = asks.subscriptions.connect(self.now_ms());
        if let Err(reason) = self.act_and_pass(first).await {
            return reason;
        }
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            let step = tokio::select! {
                biased;
                () = stop.cancelled() => Err("stopping".to_owned()),
                Some(command) = asks.commands.recv() => self.command(command, &mut asks.subscriptions).await,
                Some(wish) = asks.wishes.recv() => self.wish(wish, &mut asks.subscriptions).await,
                _ = tick.tick() => self.tick(&mut asks.subscriptions).await,
                message = self.socket.next() => self.read(message, &mut asks.subscriptions).await,
            };
            if let Err(reason) = step {
                return reason;
            }
        }
    }

    async fn command(
        &mut self,
        command: FeedCommand,
        subscriptions: &mut Subscriptions,
    ) -> Result<(), String> {
        let now_ms = self.now_ms();
        let todo = match command {
            FeedCommand::Want { tickers } => subscriptions.want(tickers, now_ms),
            FeedCommand::Snapshot { generation, sid, tickers } if generation == self.generation => {
                bump(&self.parts.status.counters.snapshot_requests);
                subscriptions.snapshot(sid.0, &tickers, now_ms)
            }
            FeedCommand::Reconnect { generation, reason } if generation == self.generation => {
                return Err(reason);
            }
            // Of a connection that is gone.
            FeedCommand::Snapshot { .. } | FeedCommand::Reconnect { .. } => return Ok(()),
        };
        self.act_and_pass(todo).await
    }

    async fn wish(&mut self, wish: FeedWish, subscriptions: &mut Subscriptions) -> Result<(), String> {
        let now_ms = self.now_ms();
        let todo = match wish {
            FeedWish::Want(tickers) => subscriptions.want(tickers, now_ms),
            FeedWish::Forget(tickers) => subscriptions.forget(&tickers, now_ms),
        };
        self.act_and_pass(todo).await
    }

    async fn tick(&mut self, subscriptions: &mut Subscriptions) -> Result<(), String> {
        let quiet_ms = (self.parts.clock)().monotonic.millis_since(self.heard);
        if quiet_ms >= SILENT_MS {
            return Err(format!("nothing was heard for {quiet_ms} ms"));
        }
        if quiet_ms >= PING_AFTER_MS {
            self.send(Message::Ping("outrigger".into())).await?;
        }
        let todo = subscriptions.tick(self.now_ms());
        self.act_and_pass(todo).await
    }

    /// Takes the message and all that wait behind it, and hands them on as one batch.
    async fn read(
        &mut self,
        first: Option<Result<Message, Error>>,
        subscriptions: &mut Subscriptions,
    ) -> Result<(), String> {
        let mut taken = Taken::default();
        let mut message = first;
        let mut count = 0;
        let ending = loop {
            count += 1;
            let ending = match self.message(message, subscriptions, &mut taken) {
                Ok(todo) => self.act(todo, &mut taken).await,
                Err(reason) => Err(reason),
            };
            if ending.is_err() || count == BATCH_MAX {
                break ending;
            }
            match self.socket.next().now_or_never() {
                Some(next) => message = next,
                None => break ending,
            }
        };
        self.parts.pass(taken).await;
        ending?;
        if !self.is_live && subscriptions.is_settled() {
            self.is_live = true;
            self.parts.status.solved("stream");
            tracing::info!(generation = self.generation.0, "connected to the exchange's stream");
            self.parts.announce(self.generation, FeedState::Live, "live").await;
        }
        Ok(())
    }

    fn message(
        &mut self,
        message: Option<Result<Message, Error>>,
        subscriptions: &mut Subscriptions,
        taken: &mut Taken,
    ) -> Result<Todo, String> {
        let received = (self.parts.clock)();
        self.heard = received.monotonic;
        let decoded = match message {
            None => return Err("the exchange closed the connection".to_owned()),
            Some(Err(error)) => return Err(format!("the stream broke: {error}")),
            Some(Ok(Message::Close(frame))) => {
                let why = frame.map_or_else(String::new, |f| format!(" ({} {})", f.code, f.reason));
                return Err(format!("the exchange closed the stream{why}"));
            }
            Some(Ok(Message::Text(text))) => {
                self.parts.show(self.generation, received, Passing::Received(text.as_bytes()));
                decode(text.as_str())
            }
            Some(Ok(Message::Binary(bytes))) => {
                self.parts.show(self.generation, received, Passing::Received(&bytes));
                match std::str::from_utf8(&bytes) {
                    Ok(text) => decode(text),
                    Err(_) => Decoded::Unreadable { sid: None, seq: None, reason: "not text".to_owned() },
                }
            }
            // Pings are answered by the library.
            Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => return Ok(Todo::default()),
        };
        let counters = &self.parts.status.counters;
        bump(&counters.frames);
        Ok(self.intake.place(decoded, Place { received, subscriptions, counters, taken }))
    }

    async fn act_and_pass(&mut self, todo: Todo) -> Result<(), String> {
        let mut taken = Taken::default();
        let acted = self.act(todo, &mut taken).await;
        self.parts.pass(taken).await;
        acted
    }

    /// Does what the subscriptions ask for.
    async fn act(&mut self, todo: Todo, taken: &mut Taken) -> Result<(), String> {
        for sid in todo.lost {
            bump(&self.parts.status.counters.resubscriptions);
            self.intake.lose(sid, "the subscription starts anew", (self.parts.clock)(), taken);
        }
        if let Some(reason) = todo.give_up {
            return Err(reason);
        }
        for frame in todo.send {
            self.parts.show(self.generation, (self.parts.clock)(), Passing::Sent(&frame));
            self.send(Message::text(frame)).await?;
        }
        Ok(())
    }

    async fn send(&mut self, message: Message) -> Result<(), String> {
        match timeout(SEND_WITHIN, self.socket.send(message)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(format!("the stream broke: {error}")),
            Err(_) => Err("the exchange does not read what is sent".to_owned()),
        }
    }

    fn now_ms(&self) -> u64 {
        (self.parts.clock)().monotonic.0 / 1_000_000
    }
}

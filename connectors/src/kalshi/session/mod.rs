//! One life of the venue's socket: connect signed, subscribe, read until it ends, and say why.
//!
//! Frames are read as many as wait, decoded, and handed on in one batch; a full lane makes the socket wait. Never here: what
//! a frame means for a book.

mod channels;
mod commands;
mod connect;
mod ending;
mod intake;
mod lag;
mod liveness;
mod reader;
mod snapshots;
mod subscriptions;

use std::time::Duration;

use futures_util::{FutureExt as _, SinkExt as _, StreamExt as _};
use outrigger_engine::domain::{Now, TimeBreak};
use outrigger_engine::venue::{FeedCommand, FeedEvent, FeedState};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_util::sync::CancellationToken;

use super::course::Course;
use super::feed::{Asks, Parts};
use super::normalize::Stamped;
use super::status::bump;
use super::tap::Passing;
use connect::Socket;
use ending::Ending;
pub(super) use intake::Taken;
use intake::{Intake, Place};
use lag::Lag;
use liveness::{Check, Liveness};
pub use reader::FrameReader;
pub(super) use subscriptions::Subscriptions;
use subscriptions::Todo;

/// Frames of one batch at most.
const BATCH_MAX: usize = 512;
const TICK: Duration = Duration::from_secs(1);
/// A peer that takes no bytes for this long does not read.
const SEND_WITHIN: Duration = Duration::from_secs(5);

/// Runs one connection; returns why it ended.
pub(super) async fn run(
    parts: &Parts,
    course: &mut Course,
    asks: &mut Asks,
    stop: &CancellationToken,
) -> Ending {
    let opened = tokio::select! {
        biased;
        () = stop.cancelled() => return Ending::Stopping,
        opened = open(parts, course) => opened,
    };
    let socket = match opened {
        Ok(socket) => socket,
        Err(ending) => return ending,
    };
    let generation = course.generation();
    parts.show(generation, (parts.clock)(), Passing::Opened);
    let mut session = Session {
        parts,
        intake: Intake::new(generation),
        course,
        socket,
        liveness: Liveness::default(),
        lag: Lag::default(),
    };
    let ending = session.live(asks, stop).await;
    parts.show(generation, (parts.clock)(), Passing::Closed(&ending.to_string()));
    let _ = session.socket.close(None).now_or_never();
    ending
}

async fn open(parts: &Parts, course: &mut Course) -> Result<Socket, Ending> {
    let stream = connect::reach(&parts.url).await?;
    course.step(parts, FeedEvent::Reached, "connected, proving who we are").await;
    connect::admit(stream, &parts.url, &parts.tls, &parts.signer, &parts.clock).await
}

struct Session<'a> {
    parts: &'a Parts,
    course: &'a mut Course,
    socket: Socket,
    intake: Intake,
    liveness: Liveness,
    lag: Lag,
}

impl Session<'_> {
    async fn live(&mut self, asks: &mut Asks, stop: &CancellationToken) -> Ending {
        self.course.step(self.parts, FeedEvent::Admitted, "subscribing").await;
        let mut breaks = self.parts.breaks.clone();
        // What broke before this connection does not concern it.
        breaks.mark_unchanged();
        let first = asks.subscriptions.connect(self.now_ms());
        if let Err(ending) = self.act_and_pass(first).await {
            return ending;
        }
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            let step = tokio::select! {
                biased;
                () = stop.cancelled() => Err(Ending::Stopping),
                Ok(()) = breaks.changed() => Err(time_broke(*breaks.borrow_and_update())),
                Some(command) = asks.commands.recv() => self.command(command, &mut asks.subscriptions).await,
                _ = tick.tick() => self.tick(&mut asks.subscriptions).await,
                message = self.socket.next() => self.read(message, &mut asks.subscriptions).await,
            };
            if let Err(ending) = step {
                return ending;
            }
        }
    }

    async fn command(
        &mut self,
        command: FeedCommand,
        subscriptions: &mut Subscriptions,
    ) -> Result<(), Ending> {
        let now_ms = self.now_ms();
        let todo = match command {
            FeedCommand::Want { tickers } => subscriptions.want(tickers, now_ms),
            FeedCommand::Forget { tickers } => subscriptions.forget(&tickers, now_ms),
            FeedCommand::Snapshot { generation, sid, tickers } if generation == self.course.generation() => {
                bump(&self.parts.status.counters.snapshot_requests);
                subscriptions.snapshot(sid.0, &tickers, (self.parts.clock)().monotonic)
            }
            FeedCommand::Resubscribe { generation, sid, reason }
                if generation == self.course.generation() =>
            {
                tracing::warn!(sid = sid.0, reason, "subscribing anew");
                subscriptions.resubscribe(sid.0, now_ms)
            }
            FeedCommand::Reconnect { generation, reason } if generation == self.course.generation() => {
                return Err(Ending::Asked(reason));
            }
            // Of a connection that is gone.
            FeedCommand::Snapshot { .. }
            | FeedCommand::Resubscribe { .. }
            | FeedCommand::Reconnect { .. } => {
                return Ok(());
            }
        };
        self.act_and_pass(todo).await
    }

    async fn tick(&mut self, subscriptions: &mut Subscriptions) -> Result<(), Ending> {
        match self.liveness.tick() {
            Check::Fine => {}
            Check::Ping(number) => {
                self.send(Message::Ping(number.to_be_bytes().to_vec().into())).await?;
            }
            Check::Dead(how) => return Err(Ending::Silent(how.to_owned())),
        }
        if self.liveness.must_ask() {
            let question = subscriptions.ask(self.now_ms());
            self.act_and_pass(question).await?;
        }
        self.lag.tick();
        let todo = subscriptions.tick(self.now_ms());
        self.act_and_pass(todo).await?;
        self.judge(subscriptions).await;
        Ok(())
    }

    /// Moves the course to what the subscriptions and the lag amount to.
    async fn judge(&mut self, subscriptions: &Subscriptions) {
        let complaint = subscriptions.complaint().or_else(|| self.lag.complaint());
        let (event, reason) = match &complaint {
            Some(complaint) => (FeedEvent::Impaired, complaint.as_str()),
            None if !subscriptions.is_settled() => (FeedEvent::Asked, "subscribing"),
            None if subscriptions.awaits_snapshots() => {
                (FeedEvent::Acknowledged, "waiting for the first snapshots of books")
            }
            None => (FeedEvent::Sound, "live"),
        };
        self.course.step(self.parts, event, reason).await;
    }

    /// Takes the message and all that wait behind it, and hands them on as one batch.
    async fn read(
        &mut self,
        first: Option<Result<Message, Error>>,
        subscriptions: &mut Subscriptions,
    ) -> Result<(), Ending> {
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
        if self.course.state() != FeedState::Live {
            self.judge(subscriptions).await;
        }
        Ok(())
    }

    fn message(
        &mut self,
        message: Option<Result<Message, Error>>,
        subscriptions: &mut Subscriptions,
        taken: &mut Taken,
    ) -> Result<Todo, Ending> {
        let received = (self.parts.clock)();
        let frame = match message {
            None => return Err(Ending::Cut("the exchange closed the connection without a word".to_owned())),
            Some(Err(error)) => return Err(Ending::Cut(error.to_string())),
            Some(Ok(Message::Close(frame))) => {
                let (code, reason) = frame.map_or((1005, String::new()), |frame| {
                    (frame.code.into(), frame.reason.as_str().to_owned())
                });
                return Err(Ending::Closed { code, reason });
            }
            Some(Ok(message)) => {
                self.liveness.heard();
                match message {
                    Message::Text(text) => {
                        self.show(received, Passing::Received(text.as_bytes()));
                        self.intake.decode(text.as_str(), taken)
                    }
                    Message::Binary(bytes) => {
                        self.show(received, Passing::Received(&bytes));
                        match std::str::from_utf8(&bytes) {
                            Ok(text) => self.intake.decode(text, taken),
                            Err(_) => Stamped::unreadable("not text"),
                        }
                    }
                    Message::Pong(number) => {
                        self.liveness.ponged(&number);
                        return Ok(Todo::default());
                    }
                    // Pings are answered by the library.
                    Message::Ping(_) | Message::Close(_) | Message::Frame(_) => return Ok(Todo::default()),
                }
            }
        };
        self.liveness.heard_text();
        let Parts { status, signer, .. } = self.parts;
        self.lag.measure(&frame, received, signer.offset().get_ms(), &status.stream);
        let counters = &status.counters;
        bump(&counters.frames);
        Ok(self.intake.place(frame.decoded, Place { received, subscriptions, counters, taken }))
    }

    async fn act_and_pass(&mut self, todo: Todo) -> Result<(), Ending> {
        let mut taken = Taken::default();
        let acted = self.act(todo, &mut taken).await;
        self.parts.pass(taken).await;
        acted
    }

    /// Does what the subscriptions ask for.
    async fn act(&mut self, todo: Todo, taken: &mut Taken) -> Result<(), Ending> {
        for sid in todo.lost {
            bump(&self.parts.status.counters.resubscriptions);
            self.intake.lose(sid, "the subscription starts anew", (self.parts.clock)(), taken);
        }
        if let Some(words) = todo.give_up {
            return Err(match todo.refused {
                Some(code) => Ending::ChannelRefused { code, words },
                None if todo.is_unanswered => Ending::Unanswered(words),
                None => Ending::GivenUp(words),
            });
        }
        for frame in todo.send {
            self.show((self.parts.clock)(), Passing::Sent(&frame));
            self.send(Message::text(frame)).await?;
        }
        Ok(())
    }

    async fn send(&mut self, message: Message) -> Result<(), Ending> {
        match timeout(SEND_WITHIN, self.socket.send(message)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(Ending::Cut(error.to_string())),
            Err(_) => Err(Ending::NotRead),
        }
    }

    fn show(&self, at: Now, what: Passing<'_>) {
        self.parts.show(self.course.generation(), at, what);
    }

    fn now_ms(&self) -> u64 {
        (self.parts.clock)().monotonic.0 / 1_000_000
    }
}

fn time_broke(found: Option<TimeBreak>) -> Ending {
    Ending::TimeBroke(found.map_or_else(|| "time broke".to_owned(), |found| found.to_string()))
}

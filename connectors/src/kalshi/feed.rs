//! Owns the sessions: one after another, each a new generation, with backoff between them.

use std::sync::Arc;
use std::time::Duration;

use outrigger_engine::actors::messages::{BooksMessage, DeskMessage};
use outrigger_engine::domain::{Clock, Generation, Now, Ticker};
use outrigger_engine::venue::{FeedCommand, FeedItem, FeedState, LifecycleEvent, PrivateItem};
use ring::rand::{SecureRandom as _, SystemRandom};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::session::{self, Subscriptions, Taken};
use super::sign::Signer;
use super::status::{FeedStanding, VenueStatus, bump};
use super::tap::{FrameSink, Passing};
use crate::net::{Backoff, BackoffLimits};

const LIMITS: BackoffLimits =
    BackoffLimits { first_ms: 250, ceiling_ms: 10_000, tries_max: 10, window_ms: 60_000, healthy_ms: 10_000 };

/// What every session of the feed works with.
pub(super) struct Parts {
    pub(super) url: String,
    pub(super) tls: Arc<rustls::ClientConfig>,
    pub(super) signer: Signer,
    pub(super) books: mpsc::Sender<BooksMessage>,
    pub(super) desk: mpsc::Sender<DeskMessage>,
    pub(super) lifecycle: mpsc::Sender<LifecycleEvent>,
    pub(super) status: Arc<VenueStatus>,
    pub(super) clock: Clock,
    pub(super) frames: Option<Arc<dyn FrameSink>>,
}

/// What the catalogue wants of the stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum FeedWish {
    /// Subscribe these, now and after every reconnect.
    Want(Vec<Ticker>),
    /// These are over.
    Forget(Vec<Ticker>),
}

/// What can be asked of the feed, and what it remembers across connections.
pub(super) struct Asks {
    pub(super) commands: mpsc::Receiver<FeedCommand>,
    pub(super) wishes: mpsc::Receiver<FeedWish>,
    pub(super) subscriptions: Subscriptions,
}

/// Connects again and again until `stop`.
pub(super) async fn run(
    parts: Parts,
    commands: mpsc::Receiver<FeedCommand>,
    wishes: mpsc::Receiver<FeedWish>,
    stop: CancellationToken,
) {
    let mut asks = Asks { commands, wishes, subscriptions: Subscriptions::new() };
    let mut backoff = Backoff::new(LIMITS);
    let random = SystemRandom::new();
    let mut generation = Generation(0);
    while !stop.is_cancelled() {
        generation = Generation(generation.0 + 1);
        let began = (parts.clock)().monotonic;
        backoff.begin(began.0 / 1_000_000);
        bump(&parts.status.counters.connects);
        parts.announce(generation, FeedState::Connecting, "connecting").await;
        let reason = session::run(&parts, generation, &mut asks, &stop).await;
        if stop.is_cancelled() {
            break;
        }
        let now = (parts.clock)().monotonic;
        let mut seed = [0_u8; 8];
        // Without randomness the wait is merely not spread.
        let _ = random.fill(&mut seed);
        let wait_ms = backoff.wait_ms(now.0 / 1_000_000, now.millis_since(began), u64::from_le_bytes(seed));
        tracing::warn!(generation = generation.0, reason, wait_ms, "disconnected from the exchange's stream");
        bump(&parts.status.counters.reconnects);
        parts.announce(generation, FeedState::BackingOff, &reason).await;
        tokio::select! {
            biased;
            () = stop.cancelled() => {}
            () = asks.pause(Duration::from_millis(wait_ms)) => {}
        }
    }
    parts.announce(generation, FeedState::Stopped, "stopping").await;
}

impl Asks {
    /// Waits, and meanwhile remembers what is wanted: the lanes must not fill up while there is no connection.
    async fn pause(&mut self, pause: Duration) {
        let until = tokio::time::Instant::now() + pause;
        loop {
            tokio::select! {
                biased;
                () = tokio::time::sleep_until(until) => return,
                Some(command) = self.commands.recv() => {
                    if let FeedCommand::Want { tickers } = command {
                        self.subscriptions.remember(tickers);
                    }
                }
                Some(wish) = self.wishes.recv() => match wish {
                    FeedWish::Want(tickers) => self.subscriptions.remember(tickers),
                    FeedWish::Forget(tickers) => self.subscriptions.dismiss(&tickers),
                }
            }
        }
    }
}

impl Parts {
    /// Shows what passed on the socket to whoever records it.
    pub(super) fn show(&self, generation: Generation, at: Now, what: Passing<'_>) {
        if let Some(frames) = &self.frames {
            frames.passing(generation, at, what);
        }
    }

    /// Passes on what a read brought, in order; a full lane makes the socket wait.
    pub(super) async fn pass(&self, taken: Taken) {
        for kind in &taken.unknown {
            self.status.count_unknown(kind);
        }
        for event in taken.lifecycle {
            // The catalogue is refreshed on a timer too; a full lane only delays it.
            let _ = self.lifecycle.try_send(event);
        }
        // A closed lane means the process is stopping.
        if !taken.market.is_empty() {
            bump(&self.status.counters.batches);
            let _ = self.books.send(BooksMessage::Feed(taken.market)).await;
        }
        if !taken.private.is_empty() {
            let _ = self.desk.send(DeskMessage::Private(taken.private)).await;
        }
    }

    /// Tells both lanes and the status how the connection stands.
    pub(super) async fn announce(&self, generation: Generation, state: FeedState, reason: &str) {
        let at = (self.clock)();
        let standing = FeedStanding { state, generation, reason: reason.to_owned(), since: at.wall };
        self.status.set_feed(standing);
        let item = FeedItem::State { generation, state, reason: reason.to_owned(), at };
        // A closed lane means the process is stopping.
        let _ = self.books.send(BooksMessage::Feed(vec![item])).await;
        let _ =
            self.desk.send(DeskMessage::Private(vec![PrivateItem::StreamState { generation, state }])).await;
    }
}

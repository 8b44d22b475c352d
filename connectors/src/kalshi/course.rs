//! The course of one connection through its states: each step is decided by the table, then logged, counted and told.

use outrigger_engine::actors::messages::BooksMessage;
use outrigger_engine::domain::{Generation, Monotonic};
use outrigger_engine::venue::{FeedEvent, FeedItem, FeedState};

use super::feed::Parts;
use super::status::{FeedStanding, bump};

/// Where the feed stands now, and since when.
#[derive(Debug)]
pub(super) struct Course {
    /// Connections begun so far.
    lives: u64,
    generation: Generation,
    state: FeedState,
    reason: String,
    entered: Monotonic,
    /// When the present connection began to be of use, live or degraded.
    good_since: Option<Monotonic>,
    /// The present connection was live.
    was_live: bool,
    /// When a connection that was live ended, until another one is.
    broke: Option<Monotonic>,
}

impl Course {
    pub(super) fn new(now: Monotonic) -> Course {
        Course {
            lives: 0,
            generation: Generation(0),
            state: FeedState::Connecting,
            reason: String::new(),
            entered: now,
            good_since: None,
            was_live: false,
            broke: None,
        }
    }

    pub(super) fn generation(&self) -> Generation {
        self.generation
    }

    pub(super) fn state(&self) -> FeedState {
        self.state
    }

    /// Begins the next generation.
    pub(super) async fn attempt(&mut self, parts: &Parts) {
        self.generation = parts.place.generation(self.lives);
        self.lives += 1;
        (self.good_since, self.was_live) = (None, false);
        bump(&parts.status.counters.connects);
        // The state may be what it was, but the generation is another: this is always told.
        self.enter(parts, FeedState::Connecting, "connecting").await;
    }

    /// Takes an event. What changes nothing is not told again.
    pub(super) async fn step(&mut self, parts: &Parts, event: FeedEvent, reason: &str) {
        let Some(next) = self.state.after(event) else {
            debug_assert!(false, "{event:?} in {:?}", self.state);
            tracing::error!(state = self.state.as_str(), ?event, "an event that cannot happen in this state");
            return;
        };
        if next != self.state || (next == FeedState::Degraded && reason != self.reason) {
            self.enter(parts, next, reason).await;
        }
    }

    /// Returns how long the present connection has been good, in milliseconds.
    pub(super) fn good_ms(&self, now: Monotonic) -> u64 {
        self.good_since.map_or(0, |since| now.millis_since(since))
    }

    async fn enter(&mut self, parts: &Parts, next: FeedState, reason: &str) {
        let at = (parts.clock)();
        let now = at.monotonic;
        self.log(next, reason, now);
        parts.status.stream.count_state(next);
        match next {
            FeedState::Live => {
                self.good_since.get_or_insert(now);
                self.was_live = true;
                if let Some(broke) = self.broke.take() {
                    parts.status.stream.trust_is_back(now.millis_since(broke));
                }
                parts.status.solved(parts.place.part());
            }
            FeedState::Degraded => {
                self.good_since.get_or_insert(now);
            }
            FeedState::BackingOff if self.was_live => {
                self.broke.get_or_insert(now);
            }
            FeedState::Connecting
            | FeedState::Authenticating
            | FeedState::Subscribing
            | FeedState::Snapshotting
            | FeedState::BackingOff
            | FeedState::Stopped => {}
        }
        (self.state, self.entered) = (next, now);
        reason.clone_into(&mut self.reason);
        let generation = self.generation;
        let reason = || reason.to_owned();
        let standing = FeedStanding { state: next, generation, reason: reason(), since: at.wall };
        parts.status.set_strand(parts.place, standing);
        let item = FeedItem::State { generation, state: next, reason: reason(), at };
        // A closed lane means the process is stopping.
        let _ = parts.books.send(BooksMessage::Feed(vec![item])).await;
        parts.account.entered(parts.place, generation, next).await;
    }

    /// One line for each transition; three of them have names of their own.
    fn log(&self, next: FeedState, reason: &str, now: Monotonic) {
        let generation = self.generation.0;
        let (from, state) = (self.state.as_str(), next.as_str());
        let after_ms = now.millis_since(self.entered);
        match next {
            FeedState::Live => {
                let broken_ms = self.broke.map(|broke| now.millis_since(broke));
                tracing::info!(
                    event = "connected",
                    generation,
                    from,
                    state,
                    after_ms,
                    broken_ms,
                    "the exchange's stream is live"
                );
            }
            FeedState::Connecting if self.lives > 1 => {
                tracing::info!(
                    event = "reconnecting",
                    generation,
                    from,
                    state,
                    after_ms,
                    "connecting to the exchange's stream again"
                );
            }
            FeedState::BackingOff | FeedState::Stopped => {
                let good_ms = self.good_ms(now);
                tracing::warn!(
                    event = "disconnected",
                    generation,
                    from,
                    state,
                    after_ms,
                    good_ms,
                    reason,
                    "the exchange's stream is not connected"
                );
            }
            FeedState::Degraded => {
                tracing::warn!(
                    event = "stream_state",
                    generation,
                    from,
                    state,
                    after_ms,
                    reason,
                    "the exchange's stream is degraded"
                );
            }
            FeedState::Connecting
            | FeedState::Authenticating
            | FeedState::Subscribing
            | FeedState::Snapshotting => {
                tracing::info!(
                    event = "stream_state",
                    generation,
                    from,
                    state,
                    after_ms,
                    "the exchange's stream"
                );
            }
        }
    }
}

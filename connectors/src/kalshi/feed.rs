//! Owns the sessions: one after another, each a new generation, with backoff between them.

use std::sync::Arc;
use std::time::Duration;

use outrigger_engine::actors::messages::{BooksMessage, DeskMessage};
use outrigger_engine::domain::{Clock, Generation, Now, TimeBreak};
use outrigger_engine::venue::{FeedCommand, FeedEvent, LifecycleEvent};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::course::Course;
use super::session::{self, Subscriptions, Taken};
use super::sign::Signer;
use super::status::{VenueStatus, bump};
use super::strands::{Account, Place};
use super::tap::{FrameSink, Passing};
use crate::net::{Backoff, BackoffLimits, Tried, random};

/// At most 10 connects a minute, and after 10 failures in a row, or 2 that need a person, at most 2.
const LIMITS: BackoffLimits = BackoffLimits {
    first_ms: 250,
    ceiling_ms: 10_000,
    tries_max: 10,
    window_ms: 60_000,
    failures_max: 10,
    slow_ms: 30_000,
    mends_max: 2,
    mend_ms: 4_000,
    healthy_ms: 10_000,
};

/// What every session of one strand works with.
#[derive(Clone)]
pub(super) struct Parts {
    pub(super) place: Place,
    pub(super) url: String,
    pub(super) tls: Arc<rustls::ClientConfig>,
    pub(super) signer: Signer,
    pub(super) books: mpsc::Sender<BooksMessage>,
    pub(super) desk: mpsc::Sender<DeskMessage>,
    pub(super) account: Arc<Account>,
    pub(super) lifecycle: mpsc::Sender<LifecycleEvent>,
    pub(super) status: Arc<VenueStatus>,
    pub(super) clock: Clock,
    pub(super) frames: Option<Arc<dyn FrameSink>>,
    /// The last break in time, and a sign that there was one.
    pub(super) breaks: watch::Receiver<Option<TimeBreak>>,
}

/// What can be asked of the feed, and what it remembers across connections.
pub(super) struct Asks {
    pub(super) commands: mpsc::Receiver<FeedCommand>,
    pub(super) subscriptions: Subscriptions,
}

/// Connects one strand again and again until `stop`.
pub(super) async fn run(parts: Parts, commands: mpsc::Receiver<FeedCommand>, stop: CancellationToken) {
    let mut asks = Asks { commands, subscriptions: Subscriptions::new() };
    let mut backoff = Backoff::new(LIMITS.shared_by(parts.place.of));
    let mut course = Course::new((parts.clock)().monotonic);
    while !stop.is_cancelled() {
        backoff.begin((parts.clock)().monotonic.0 / 1_000_000);
        course.attempt(&parts).await;
        let ending = session::run(&parts, &mut course, &mut asks, &stop).await;
        if stop.is_cancelled() {
            break;
        }
        let now = (parts.clock)();
        let reason = ending.to_string();
        parts.status.stream.count_ending(ending.kind());
        parts.status.problem(parts.place.part(), &reason, now.wall);
        bump(&parts.status.counters.reconnects);
        let tried = Tried { good_ms: course.good_ms(now.monotonic), is_permanent: ending.is_permanent() };
        let wait_ms = backoff.wait_ms(now.monotonic.0 / 1_000_000, tried, random());
        tracing::info!(
            event = "backing_off",
            kind = ending.kind(),
            is_permanent = tried.is_permanent,
            wait_ms,
            "waiting"
        );
        course.step(&parts, FeedEvent::Lost, &reason).await;
        tokio::select! {
            biased;
            () = stop.cancelled() => {}
            () = asks.pause(Duration::from_millis(wait_ms)) => {}
        }
    }
    course.step(&parts, FeedEvent::Stop, "stopping").await;
}

impl Asks {
    /// Waits, and meanwhile remembers what is wanted: the lanes must not fill up while there is no connection.
    async fn pause(&mut self, pause: Duration) {
        let until = tokio::time::Instant::now() + pause;
        loop {
            tokio::select! {
                biased;
                () = tokio::time::sleep_until(until) => return,
                Some(command) = self.commands.recv() => match command {
                    FeedCommand::Want { tickers } => self.subscriptions.remember(tickers),
                    FeedCommand::Forget { tickers } => self.subscriptions.dismiss(&tickers),
                    // Of a connection that is gone.
                    FeedCommand::Snapshot { .. }
                    | FeedCommand::Resubscribe { .. }
                    | FeedCommand::Reconnect { .. } => {}
                },
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
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Backoff, BackoffLimits, LIMITS, Tried};

    const FAILURES: usize = 1_000;

    /// The moments of 1,000 tries that all fail, each after `lasts_ms`.
    fn storm(lasts_ms: u64, is_permanent: bool, random: impl FnMut() -> u64) -> Vec<u64> {
        storm_within(LIMITS, lasts_ms, is_permanent, random)
    }

    fn storm_within(
        limits: BackoffLimits,
        lasts_ms: u64,
        is_permanent: bool,
        mut random: impl FnMut() -> u64,
    ) -> Vec<u64> {
        let mut backoff = Backoff::new(limits);
        let mut now_ms = 5_000;
        let mut tries = Vec::new();
        for _ in 0..FAILURES {
            backoff.begin(now_ms);
            tries.push(now_ms);
            now_ms += lasts_ms;
            now_ms += backoff.wait_ms(now_ms, Tried { good_ms: 0, is_permanent }, random());
        }
        tries
    }

    /// The most tries in any minute.
    fn busiest_minute(tries: &[u64]) -> usize {
        let within = |from: &u64| tries.iter().filter(|at| (*from..*from + 60_000).contains(*at)).count();
        tries.iter().map(within).max().unwrap_or(0)
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]
        #[test]
        fn a_thousand_failures_make_at_most_the_allowed_connects(
            lasts_ms in 0_u64..15_000,
            seed in any::<u64>(),
        ) {
            let mut state = seed;
            // Weyl and mix: any spread of numbers will do.
            let mut random = || {
                state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
                (state ^ (state >> 31)).wrapping_mul(0xBF58_476D_1CE4_E5B9)
            };
            let tries = storm(lasts_ms, false, &mut random);
            prop_assert!(busiest_minute(&tries) <= 10);
            prop_assert!(busiest_minute(&tries[10..]) <= 2, "after ten failures");
            let permanent = storm(lasts_ms, true, &mut random);
            prop_assert!(busiest_minute(&permanent) <= 10);
            prop_assert!(busiest_minute(&permanent[2..]) <= 2, "after two that need a person");
            // A network that heals at any moment is used within one step, which is at most a minute.
            let steps: Vec<u64> = tries.windows(2).map(|pair| pair[1] - pair[0] - lasts_ms).collect();
            prop_assert!(steps.iter().all(|step| *step <= 60_000));
            prop_assert!(steps[10..].iter().all(|step| (30_000..=40_000).contains(step)));
        }
    }

    #[test]
    fn two_strands_together_connect_no_more_often_than_one() {
        for random in [0, u64::MAX] {
            let mut tries = storm_within(LIMITS.shared_by(2), 0, false, || random);
            tries.extend(storm_within(LIMITS.shared_by(2), 40, false, || random));
            tries.sort_unstable();
            assert!(busiest_minute(&tries) <= 10 && busiest_minute(&tries[10..]) <= 2);
        }
    }

    #[test]
    fn without_luck_in_the_jitter_the_bounds_hold_too() {
        for random in [0, u64::MAX] {
            let tries = storm(0, false, || random);
            assert!(busiest_minute(&tries) <= 10 && busiest_minute(&tries[10..]) <= 2);
        }
    }
}

//! Runs the budget: requests come in by a bounded lane, grants go out as soon as the tokens exist.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use outrigger_engine::domain::{Clock, Monotonic};
use tokio::sync::{mpsc, oneshot};

use super::core::{BucketId, Charge, Core, Lane, Polled, Rates};

/// Requests that may wait for tokens at once; more is refused at once.
const QUEUE: usize = 16_384;

/// No tokens in time; nothing was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the rate budget is used up; room in {retry_after_ms} ms")]
pub(crate) struct NoBudget {
    pub(crate) retry_after_ms: u64,
}

/// What the budget counts.
#[derive(Debug, Default)]
pub struct BudgetStats {
    pub read_tokens: AtomicU64,
    pub write_tokens: AtomicU64,
    pub read_capacity: AtomicU64,
    pub write_capacity: AtomicU64,
    pub waiting: AtomicU64,
    pub granted: AtomicU64,
    pub refused: AtomicU64,
    /// 429s of the venue.
    pub throttled: AtomicU64,
}

type Ticket = oneshot::Sender<Result<(), NoBudget>>;

enum Message {
    Request { lane: Lane, charge: Charge, deadline: Monotonic, ticket: Ticket },
    Refund(Charge),
    Throttled(BucketId),
    Rates(Rates),
}

/// Asks for tokens. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Budget {
    lane: mpsc::Sender<Message>,
    clock: Clock0,
    stats: Arc<BudgetStats>,
}

/// A clock that prints as nothing, so that the handle can be `Debug`.
#[derive(Clone)]
struct Clock0(Clock);

impl std::fmt::Debug for Clock0 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("clock")
    }
}

/// A place in the queue, taken in the order of asking.
pub(crate) struct Grant(Option<oneshot::Receiver<Result<(), NoBudget>>>);

impl Grant {
    /// Waits until the tokens are there, or will not be in time.
    pub(crate) async fn wait(self) -> Result<(), NoBudget> {
        let none = NoBudget { retry_after_ms: 1_000 };
        match self.0 {
            Some(receiver) => receiver.await.unwrap_or(Err(none)),
            None => Err(none),
        }
    }
}

impl Budget {
    /// Starts the budget on the runtime it is called in.
    pub(crate) fn start(rates: Rates, clock: Clock, stats: Arc<BudgetStats>) -> Budget {
        let (lane, messages) = mpsc::channel(QUEUE);
        let core = Core::new(rates, clock().monotonic);
        tokio::spawn(run(core, messages, Clock::clone(&clock), Arc::clone(&stats)));
        Budget { lane, clock: Clock0(clock), stats }
    }

    /// Takes a place in the queue; `patience_ms` is how long the request may wait.
    pub(crate) fn request(&self, lane: Lane, charge: Charge, patience_ms: u64) -> Grant {
        let (ticket, grant) = oneshot::channel();
        let deadline = Monotonic((self.clock.0)().monotonic.0.saturating_add(patience_ms * 1_000_000));
        let sent = self.lane.try_send(Message::Request { lane, charge, deadline, ticket });
        Grant(sent.is_ok().then_some(grant))
    }

    pub(crate) fn refund(&self, charge: Charge) {
        let _ = self.lane.try_send(Message::Refund(charge));
    }

    pub(crate) fn throttled(&self, bucket: BucketId) {
        self.stats.throttled.fetch_add(1, Relaxed);
        let _ = self.lane.try_send(Message::Throttled(bucket));
    }

    pub(crate) fn set_rates(&self, rates: Rates) {
        let _ = self.lane.try_send(Message::Rates(rates));
    }
}

async fn run(
    mut core: Core<Ticket>,
    mut messages: mpsc::Receiver<Message>,
    clock: Clock,
    stats: Arc<BudgetStats>,
) {
    let mut wake: Option<Duration> = None;
    loop {
        let message = match wake {
            Some(after) => match tokio::time::timeout(after, messages.recv()).await {
                Ok(Some(message)) => Some(message),
                Ok(None) => return,
                Err(_) => None,
            },
            None => match messages.recv().await {
                Some(message) => Some(message),
                None => return,
            },
        };
        let now = clock().monotonic;
        let mut next = message;
        while let Some(message) = next {
            take(&mut core, message, now);
            next = messages.try_recv().ok();
        }
        let Polled { granted, expired, next_ns } = core.poll(now);
        stats.granted.fetch_add(granted.len() as u64, Relaxed);
        stats.refused.fetch_add(expired.len() as u64, Relaxed);
        for ticket in granted {
            // A request that was given up while it waited has nobody to grant to; its tokens are simply spent.
            let _ = ticket.send(Ok(()));
        }
        for (ticket, wait_ns) in expired {
            let _ = ticket.send(Err(NoBudget { retry_after_ms: wait_ns.div_ceil(1_000_000) }));
        }
        let (read, write) = core.tokens();
        stats.read_tokens.store(read, Relaxed);
        stats.write_tokens.store(write, Relaxed);
        let (read, write) = core.capacities();
        stats.read_capacity.store(u64::from(read), Relaxed);
        stats.write_capacity.store(u64::from(write), Relaxed);
        stats.waiting.store(core.waiting() as u64, Relaxed);
        wake = next_ns.map(Duration::from_nanos);
    }
}

fn take(core: &mut Core<Ticket>, message: Message, now: Monotonic) {
    match message {
        Message::Request { lane, charge, deadline, ticket } => core.submit(lane, charge, deadline, ticket),
        Message::Refund(charge) => core.refund(charge),
        Message::Throttled(bucket) => core.throttled(bucket, now),
        Message::Rates(rates) => core.set_rates(rates, now),
    }
}

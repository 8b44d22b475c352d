//! The breaker around the venue, as the gateway runs it: its clock, its log, what readiness is told, and who is woken for the probe.

use std::sync::Arc;
use std::time::Duration;

use outrigger_engine::domain::Clock;
use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::kalshi::status::VenueStatus;
use crate::net::{Breaker, BreakerLimits, BreakerState, Pass, Passenger, Refused, Retries, Verdict};

const LIMITS: BreakerLimits = BreakerLimits { failures_max: 5, open_ms_min: 1_000, open_ms_max: 30_000 };
/// The part of the status that tells of it.
const PART: &str = "breaker";

/// Whether the venue answers.
pub(crate) struct Health {
    breaker: Mutex<Breaker>,
    retries: Mutex<Retries>,
    opened: Notify,
    status: Arc<VenueStatus>,
    clock: Clock,
}

/// One request on its way. Dropped without a word, it says nothing about the venue.
#[must_use = "the breaker waits for the verdict"]
pub(super) struct Passage<'a> {
    health: &'a Health,
    pass: Pass,
    verdict: Verdict,
}

impl Health {
    pub(super) fn new(status: Arc<VenueStatus>, clock: Clock) -> Health {
        let breaker = Mutex::new(Breaker::new(LIMITS));
        Health { breaker, retries: Mutex::default(), opened: Notify::new(), status, clock }
    }

    fn now_ms(&self) -> u64 {
        (self.clock)().monotonic.0 / 1_000_000
    }

    /// Lets a request pass, or says when it may.
    pub(super) fn enter(&self, passenger: Passenger) -> Result<Passage<'_>, Refused> {
        let admitted = self.change(|breaker, now_ms| breaker.admit(passenger, now_ms));
        self.retries.lock().earn();
        match admitted {
            Ok(pass) => Ok(Passage { health: self, pass, verdict: Verdict::Nothing }),
            Err(refused) => {
                self.status.breaker.refuse(refused.retry_after_ms);
                Err(refused)
            }
        }
    }

    /// Refuses a write before it takes a place in line, while the venue does not answer.
    pub(super) fn refuses_writes(&self) -> Option<Refused> {
        let probe_in_ms = self.breaker.lock().probe_in_ms(self.now_ms())?;
        let retry_after_ms = probe_in_ms.max(LIMITS.open_ms_min);
        self.status.breaker.refuse(retry_after_ms);
        Some(Refused { retry_after_ms })
    }

    /// Takes one of the repeats that requests have earned.
    pub(super) fn may_repeat(&self) -> bool {
        self.retries.lock().take()
    }

    /// Waits until the breaker is open and a probe may pass.
    pub(super) async fn probe_is_due(&self) {
        loop {
            let probe_in_ms = self.breaker.lock().probe_in_ms(self.now_ms());
            match probe_in_ms {
                Some(0) => return,
                Some(wait_ms) => tokio::time::sleep(Duration::from_millis(wait_ms)).await,
                None => self.opened.notified().await,
            }
        }
    }

    fn change<R>(&self, change: impl FnOnce(&mut Breaker, u64) -> R) -> R {
        let mut breaker = self.breaker.lock();
        let before = breaker.state();
        let result = change(&mut breaker, self.now_ms());
        let (after, probe_in_ms) = (breaker.state(), breaker.probe_in_ms(self.now_ms()));
        if before != after {
            self.tell(after, probe_in_ms.unwrap_or(0));
        }
        drop(breaker);
        result
    }

    /// One event for each transition: the log, the counters and what readiness shows cannot disagree.
    fn tell(&self, state: BreakerState, probe_in_ms: u64) {
        self.status.breaker.enter(state);
        match state {
            BreakerState::Closed => {
                tracing::info!(event = "breaker_closed", "the exchange answers again");
                self.status.solved(PART);
            }
            BreakerState::Open => {
                tracing::warn!(
                    event = "breaker_opened",
                    probe_in_ms,
                    "the exchange does not answer: orders are refused, cancels go on"
                );
                let message = "the exchange does not answer requests: orders are refused at once, cancels are still tried";
                self.status.problem(PART, message, (self.clock)().wall);
                self.opened.notify_one();
            }
            BreakerState::HalfOpen => {
                tracing::info!(event = "breaker_half_open", "asking whether the exchange answers")
            }
        }
    }
}

impl Passage<'_> {
    pub(super) fn ended(mut self, verdict: Verdict) {
        self.verdict = verdict;
    }
}

impl Drop for Passage<'_> {
    fn drop(&mut self) {
        let (pass, verdict) = (self.pass, self.verdict);
        self.health.change(|breaker, now_ms| breaker.ended(pass, verdict, now_ms));
    }
}

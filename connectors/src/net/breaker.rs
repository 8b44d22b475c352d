//! A circuit breaker: stops asking what does not answer, and finds out on its own when it answers again. Pure.
//!
//! Closed: everything passes. Open: after `failures_max` failures in a row nothing that can wait passes, for a time that
//! doubles with each vain probe. Half-open: that time is over, one probe passes and decides. What must never wait passes in
//! any state, and any answer closes the breaker: an answer is proof that there is somebody. A failure is no answer at all, or
//! one that says the other side does not work; a refusal is an answer.

/// When to open, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BreakerLimits {
    /// Failures in a row that open it.
    pub(crate) failures_max: u32,
    pub(crate) open_ms_min: u64,
    pub(crate) open_ms_max: u64,
}

/// What wants to pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Passenger {
    /// Must not fail halfway: passes only while closed, and is never a probe.
    Careful,
    /// Can be asked again: may be the probe.
    Repeatable,
    /// Passes always.
    Urgent,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub(crate) enum BreakerState {
    #[default]
    Closed,
    Open,
    HalfOpen,
}

impl BreakerState {
    pub(crate) const ALL: [BreakerState; 3] =
        [BreakerState::Closed, BreakerState::Open, BreakerState::HalfOpen];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            BreakerState::Closed => "closed",
            BreakerState::Open => "open",
            BreakerState::HalfOpen => "half_open",
        }
    }
}

/// How what passed ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Verdict {
    Answered,
    Failed,
    /// It was given up before it was known.
    Nothing,
}

/// What passed; handed back with the verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Pass {
    /// The probe's number.
    probe: Option<u64>,
}

/// Refused: nothing left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Refused {
    pub(crate) retry_after_ms: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Breaker {
    limits: BreakerLimits,
    inner: Inner,
    probes: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Inner {
    Closed { failures: u32 },
    Open { until_ms: u64, open_ms: u64 },
    HalfOpen { probe: Option<u64>, open_ms: u64 },
}

impl Breaker {
    pub(crate) fn new(limits: BreakerLimits) -> Breaker {
        Breaker { limits, inner: Inner::Closed { failures: 0 }, probes: 0 }
    }

    pub(crate) fn state(&self) -> BreakerState {
        match self.inner {
            Inner::Closed { .. } => BreakerState::Closed,
            Inner::Open { .. } => BreakerState::Open,
            Inner::HalfOpen { .. } => BreakerState::HalfOpen,
        }
    }

    /// Asks to pass.
    pub(crate) fn admit(&mut self, passenger: Passenger, now_ms: u64) -> Result<Pass, Refused> {
        if let Inner::Open { until_ms, open_ms } = self.inner
            && until_ms <= now_ms
        {
            self.inner = Inner::HalfOpen { probe: None, open_ms };
        }
        let free = Pass { probe: None };
        match (self.inner, passenger) {
            (Inner::Closed { .. }, _) | (Inner::Open { .. }, Passenger::Urgent) => Ok(free),
            (Inner::HalfOpen { probe: None, open_ms }, Passenger::Repeatable | Passenger::Urgent) => {
                self.probes += 1;
                self.inner = Inner::HalfOpen { probe: Some(self.probes), open_ms };
                Ok(Pass { probe: Some(self.probes) })
            }
            (Inner::HalfOpen { probe: Some(_), .. }, Passenger::Urgent) => Ok(free),
            (Inner::Open { until_ms, .. }, Passenger::Careful | Passenger::Repeatable) => {
                Err(Refused { retry_after_ms: until_ms.saturating_sub(now_ms).max(1) })
            }
            (Inner::HalfOpen { .. }, Passenger::Careful | Passenger::Repeatable) => {
                Err(Refused { retry_after_ms: self.limits.open_ms_min })
            }
        }
    }

    /// Tells how what passed has ended. Every pass is handed back once.
    pub(crate) fn ended(&mut self, pass: Pass, verdict: Verdict, now_ms: u64) {
        match (self.inner, verdict) {
            (_, Verdict::Answered) => self.inner = Inner::Closed { failures: 0 },
            (Inner::Closed { failures }, Verdict::Failed) => {
                let failures = failures + 1;
                self.inner = if failures >= self.limits.failures_max {
                    self.open(self.limits.open_ms_min, now_ms)
                } else {
                    Inner::Closed { failures }
                };
            }
            (Inner::HalfOpen { probe: Some(probe), open_ms }, verdict) if pass.probe == Some(probe) => {
                self.inner = match verdict {
                    Verdict::Failed => self.open(open_ms.saturating_mul(2), now_ms),
                    // The next one is the probe.
                    Verdict::Nothing | Verdict::Answered => Inner::HalfOpen { probe: None, open_ms },
                };
            }
            // Of before it opened, or an urgent one in vain: nothing new.
            (Inner::Open { .. } | Inner::HalfOpen { .. }, Verdict::Failed | Verdict::Nothing)
            | (Inner::Closed { .. }, Verdict::Nothing) => {}
        }
    }

    fn open(&self, open_ms: u64, now_ms: u64) -> Inner {
        let open_ms = open_ms.min(self.limits.open_ms_max);
        Inner::Open { until_ms: now_ms.saturating_add(open_ms), open_ms }
    }

    /// Returns in how many milliseconds a probe may pass; `None` while closed.
    pub(crate) fn probe_in_ms(&self, now_ms: u64) -> Option<u64> {
        match self.inner {
            Inner::Closed { .. } => None,
            Inner::Open { until_ms, .. } => Some(until_ms.saturating_sub(now_ms)),
            Inner::HalfOpen { .. } => Some(0),
        }
    }
}

#[cfg(test)]
mod tests;

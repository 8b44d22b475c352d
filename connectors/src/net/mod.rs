//! What every outgoing connection needs, whoever is at the other end.

mod backoff;
mod breaker;
mod jitter;
mod retries;
mod tls;

pub(crate) use backoff::{Backoff, BackoffLimits, Tried};
pub(crate) use breaker::{Breaker, BreakerLimits, BreakerState, Pass, Passenger, Refused, Verdict};
pub(crate) use jitter::{jittered, random};
pub(crate) use retries::Retries;
pub(crate) use tls::client_config;

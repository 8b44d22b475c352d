//! What every outgoing connection needs, whoever is at the other end.

mod backoff;
mod tls;

pub(crate) use backoff::{Backoff, BackoffLimits, Tried};
pub(crate) use tls::client_config;

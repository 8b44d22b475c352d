//! The channels filled by the running exchange.
//!
//! `port` is the exchange as seen from here, `message` what it tells; `session` gives it to one client.

mod adapter;
mod encode;
mod encode_communications;
mod encode_lifecycle;
mod encode_private;
pub(crate) mod message;
pub(crate) mod port;
pub(crate) mod session;
mod snapshots;
mod throttle;

#[cfg(test)]
mod communications_tests;
#[cfg(test)]
mod exchange_tests;
#[cfg(test)]
mod fake;
#[cfg(test)]
mod schema_tests;
#[cfg(test)]
mod tests;

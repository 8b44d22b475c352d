//! The local API: HTTP routes and the stream.
//!
//! It decides nothing about orders or books: it checks who asks and what, hands the question to the owner of the fact, and
//! writes the answer down. No handler owns an order; a client that hangs up changes nothing.

mod access;
pub mod http;
pub mod ports;
pub mod problem;
mod server;
mod state;
#[cfg(test)]
mod tests;
mod ticket;
pub mod ws;

pub use access::AccessRules;
pub use server::{ServerOptions, start};
pub use state::{ApiParts, ApiState};

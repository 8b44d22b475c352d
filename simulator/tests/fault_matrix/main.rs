//! The fault matrix: every fault on the wire of a real exchange, seen by raw clients, and the exchange well afterwards.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "the clients of the tests fail as the tests do"
)]

mod control;
mod documented;
mod rest;
mod rest_bytes;
mod scenarios;
mod stream;
mod stream_bytes;
mod tls;
mod world;

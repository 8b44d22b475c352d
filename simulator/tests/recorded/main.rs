//! What was recorded of the real exchange, asked of this one: a row for each statement, and the shapes of recorded bodies.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "the clients of the tests fail as the tests do"
)]

mod access;
mod lag;
mod orders;
mod pattern;
mod reads;
mod shape;
mod shapes;
mod socket;
mod world;

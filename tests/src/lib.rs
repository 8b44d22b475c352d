//! What whole-process tests stand on: starting and killing processes, an independent Kalshi client as judge, a client of the
//! local API and stream, an independent reader of recordings, and the rules of the tidy test.
//!
//! Shares no code with the product: what it checks is computed here a second time, from the wire and the files alone.
#![allow(
    clippy::indexing_slicing,
    reason = "JSON values give null for what is absent; elsewhere a wrong index fails the test"
)]

pub mod agreement;
pub mod api;
pub mod contract;
pub mod cutter;
pub mod exchange;
pub mod keys;
pub mod pair;
pub mod process;
pub mod random;
pub mod recording;
pub mod stream;
pub mod stream_faults;
pub mod tidy;
pub mod wait;
pub mod workspace;

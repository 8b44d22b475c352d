//! What whole-process tests stand on: starting and killing processes, an independent Kalshi client as judge, a client of the
//! local API and stream, an independent reader of recordings, and the rules of the tidy test.
//!
//! Shares no code with the product: what it checks is computed here a second time, from the wire and the files alone.

pub mod tidy;
pub mod workspace;

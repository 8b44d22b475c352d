//! Decode and apply, measured: one frame of the exchange's stream from text to book, Outrigger beside the alternatives.
//!
//! `make bench-decode` runs both programs of this crate. Load never leaves the process.

pub mod book;
pub mod contenders;
pub mod frames;
pub mod measure;

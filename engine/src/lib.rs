//! The engine decides: domain types, pure cores and the thin actors that run them.
//!
//! Never here: network, SQL, files, environment variables, clocks, randomness. State, input and "now" go in;
//! journal entries and effects come out. Only `actors` may import actix.

pub mod actors;
pub mod book;
pub mod desk;
pub mod domain;
pub mod journal;
pub mod order;
pub mod planted;
pub mod risk;
pub mod stream;
pub mod venue;

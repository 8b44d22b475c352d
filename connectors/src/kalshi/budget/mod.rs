//! The account's rate budget: the venue's token buckets modelled here, because a 429 says nothing.
//!
//! `core` decides and is pure; `service` runs it. Every request to the venue passes here: only the budget makes a `Permit`,
//! and nothing is sent without one. Invariants: never more granted than the buckets hold; nobody is overtaken on a bucket it
//! waits for by what comes after it; a share of the write tokens is kept for cancels (I8).

mod bucket;
mod core;
mod figures;
mod service;
mod terms;
mod turns;

pub use figures::{BucketFigures, BudgetFigures, LaneFigures};
pub(crate) use service::{Budget, Grant, Permit};
pub(crate) use terms::{Buckets, Charge, Client, Lane, Rates, Terms};

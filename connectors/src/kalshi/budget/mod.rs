//! The account's rate budget: the venue's token buckets modelled here, because a 429 says nothing.
//!
//! `core` is pure: requests and "now" go in, grants come out. `service` runs it beside the gateway. Every request to the
//! venue passes here. Invariants: never more granted than the buckets hold; a higher lane is never overtaken on a bucket it
//! waits for; a share of the write tokens is kept for cancels (I8).

mod bucket;
mod core;
mod service;

pub(crate) use self::core::{BucketId, Charge, Lane, Rates};
pub use service::BudgetStats;
pub(crate) use service::{Budget, Grant};

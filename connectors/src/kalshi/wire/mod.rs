//! The venue's JSON as it is on the wire: borrowed, typed, lenient about what is missing or new.
//!
//! Never here: domain decisions. Unknown types and fields are named here and counted by the caller.

pub(crate) mod account;
pub(crate) mod command;
pub(crate) mod envelope;
pub(crate) mod exact;
pub(crate) mod fields;
pub(crate) mod market;
pub(crate) mod notice;
pub(crate) mod quick;
pub(crate) mod rest;
pub(crate) mod time;

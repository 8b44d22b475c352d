//! A simulated Kalshi exchange that speaks the venue's own wire protocol on a port of its own.

pub mod auth;
pub mod host;
pub mod replay;
pub mod socket;
pub mod venue;

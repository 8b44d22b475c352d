//! The sidecar hosts: configuration, threads, store, local API, telemetry, command line.

pub mod store;
pub mod watch;

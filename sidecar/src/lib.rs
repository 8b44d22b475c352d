//! The sidecar hosts: configuration, threads, store, local API, telemetry, command line.

pub mod watch;

//! The sidecar hosts: configuration, threads, store, local API, telemetry, command line.

pub mod api;
pub mod app;
pub mod cli;
pub mod config;
pub mod store;
pub mod telemetry;
pub mod watch;

const _: () = assert!(
    !outrigger_engine::planted::PLANTED_BUGS,
    "the engine was built with planted bugs: they are for the simulation alone"
);

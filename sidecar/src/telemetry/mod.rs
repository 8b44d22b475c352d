//! Logs on standard error, metrics as OpenMetrics text. Never here: secrets, raw bodies, anything that can block a part.

mod format;
mod listener;
mod logs;
mod sink;

pub mod metrics;

pub use listener::metrics_server;
pub use logs::{flush, init, init_tool};

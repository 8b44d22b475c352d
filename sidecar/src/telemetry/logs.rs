//! Starting the log.

use std::io::{self, IsTerminal as _};
use std::sync::OnceLock;
use std::time::Duration;

use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::{Layer, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;

use super::format::JsonLines;
use super::sink::Sink;
use crate::config::{Log, LogFormat, LogLevel};

static SINK: OnceLock<Sink> = OnceLock::new();

/// Starts the log of the running sidecar. Only the first call in a process has an effect.
pub fn init(log: &Log) {
    let as_json = match log.format {
        LogFormat::Auto => !io::stderr().is_terminal(),
        LogFormat::Json => true,
        LogFormat::Text => false,
    };
    start(log.level, as_json);
}

/// Starts the log of a command that prints and ends: only what is wrong, as text.
pub fn init_tool() {
    start(LogLevel::Warn, false);
}

/// Waits until what was logged so far is on standard error; for the end of the process, panics included.
pub fn flush(within: Duration) {
    if let Some(sink) = SINK.get() {
        sink.flush(within);
    }
}

fn start(level: LogLevel, as_json: bool) {
    // Without a thread for it there is no log, which is no reason not to trade.
    let Ok(sink) = Sink::start(io::stderr()) else { return };
    if SINK.set(sink.clone()).is_err() {
        return;
    }
    let subscriber = tracing_subscriber::registry().with(layer(sink, as_json).with_filter(filter(level)));
    // Libraries that log through the `log` crate are heard too.
    let _ = subscriber.try_init();
}

/// Ours at the level asked for; what libraries say only when something is wrong, or at debug and trace one step quieter.
fn filter(level: LogLevel) -> Targets {
    let (ours, theirs) = match level {
        LogLevel::Error => (LevelFilter::ERROR, LevelFilter::ERROR),
        LogLevel::Warn => (LevelFilter::WARN, LevelFilter::WARN),
        LogLevel::Info => (LevelFilter::INFO, LevelFilter::WARN),
        LogLevel::Debug => (LevelFilter::DEBUG, LevelFilter::INFO),
        LogLevel::Trace => (LevelFilter::TRACE, LevelFilter::DEBUG),
    };
    Targets::new().with_default(theirs).with_target("outrigger", ours)
}

pub(super) fn layer<S>(sink: Sink, as_json: bool) -> Box<dyn Layer<S> + Send + Sync>
where
    S: tracing::Subscriber + for<'a> LookupSpan<'a>,
{
    let layer = tracing_subscriber::fmt::layer().with_writer(sink);
    if as_json {
        layer.event_format(JsonLines).boxed()
    } else {
        layer.with_ansi(io::stderr().is_terminal()).compact().boxed()
    }
}

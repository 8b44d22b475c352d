//! How much is logged, and for whom.

use std::fmt;

use super::reader::Reader;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// People on a terminal, JSON for everything else.
    Auto,
    Json,
    Text,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogLevel {
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Log {
    pub level: LogLevel,
    pub format: LogFormat,
}

impl LogLevel {
    pub const fn as_str(self) -> &'static str {
        match self {
            LogLevel::Error => "error",
            LogLevel::Warn => "warn",
            LogLevel::Info => "info",
            LogLevel::Debug => "debug",
            LogLevel::Trace => "trace",
        }
    }
}

impl fmt::Display for LogLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for LogFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            LogFormat::Auto => "auto",
            LogFormat::Json => "json",
            LogFormat::Text => "text",
        })
    }
}

fn level(text: &str) -> Result<LogLevel, String> {
    let levels = [LogLevel::Error, LogLevel::Warn, LogLevel::Info, LogLevel::Debug, LogLevel::Trace];
    let found = levels.into_iter().find(|level| level.as_str() == text);
    found.ok_or_else(|| "one of error, warn, info, debug, trace".to_owned())
}

fn format(text: &str) -> Result<LogFormat, String> {
    match text {
        "auto" => Ok(LogFormat::Auto),
        "json" => Ok(LogFormat::Json),
        "text" => Ok(LogFormat::Text),
        _ => Err("one of auto, json, text".to_owned()),
    }
}

pub(super) fn read(reader: &mut Reader<'_>) -> Log {
    // info tells of connections, orders in doubt and stops, and is quiet while all is well.
    let level = reader.value("log.level", LogLevel::Info, level);
    let format = reader.value("log.format", LogFormat::Auto, format);
    Log { level, format }
}

/// Reads the two flags where there is no configuration besides.
pub fn log_from_flags(level_text: Option<&str>, format_text: Option<&str>, wrong: &mut Vec<String>) -> Log {
    let mut log = Log { level: LogLevel::Info, format: LogFormat::Auto };
    match level_text.map(level).transpose() {
        Ok(level) => log.level = level.unwrap_or(log.level),
        Err(expected) => wrong.push(format!("--log-level: {expected} is needed")),
    }
    match format_text.map(format).transpose() {
        Ok(format) => log.format = format.unwrap_or(log.format),
        Err(expected) => wrong.push(format!("--log-format: {expected} is needed")),
    }
    log
}

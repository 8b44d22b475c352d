//! Every key there is: its name in the file, its flag, what it means. The variable's name follows from the key.

use std::fmt;
use std::str::FromStr;

/// Which exchange, and which ledger: environments never share one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Env {
    /// The simulated exchange, inside or on a port.
    Sim,
    /// Kalshi's demo exchange.
    Demo,
    /// Kalshi, real money.
    Live,
}

impl Env {
    pub const fn as_str(self) -> &'static str {
        match self {
            Env::Sim => "sim",
            Env::Demo => "demo",
            Env::Live => "live",
        }
    }
}

impl fmt::Display for Env {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Env {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<Env, &'static str> {
        match text {
            "sim" => Ok(Env::Sim),
            "demo" => Ok(Env::Demo),
            "live" => Ok(Env::Live),
            _ => Err("one of sim, demo, live"),
        }
    }
}

/// One key.
#[derive(Debug)]
pub(super) struct Key {
    /// `table.key` in the file.
    pub path: &'static str,
    /// Its flag, where it has one.
    pub flag: Option<&'static str>,
    /// A secret host process or person chooses these per start; the file is no place for them.
    pub in_file: bool,
}

const fn key(path: &'static str) -> Key {
    Key { path, flag: None, in_file: true }
}

const fn flagged(path: &'static str, flag: &'static str) -> Key {
    Key { path, flag: Some(flag), in_file: true }
}

const fn per_start(path: &'static str, flag: &'static str) -> Key {
    Key { path, flag: Some(flag), in_file: false }
}

pub(super) const KEYS: &[Key] = &[
    flagged("env", "--env"),
    flagged("listen", "--listen"),
    flagged("metrics_listen", "--metrics-listen"),
    flagged("data_dir", "--data-dir"),
    flagged("markets", "--markets"),
    flagged("venue.url", "--venue"),
    flagged("venue.key_id", "--key-id"),
    flagged("venue.key_file", "--key-file"),
    flagged("simulator.scenario", "--scenario"),
    flagged("simulator.seed", "--seed"),
    key("limits.max_order_count"),
    key("limits.max_order_notional"),
    key("limits.max_open_orders"),
    key("limits.max_position"),
    key("acceptance_window_ms"),
    key("report_interval_ms"),
    key("streams.max_clients"),
    key("streams.max_topics_per_client"),
    key("streams.client_queue_frames"),
    key("streams.client_queue_bytes"),
    key("store.tape"),
    key("store.tape_retention_hours"),
    flagged("log.level", "--log-level"),
    flagged("log.format", "--log-format"),
    key("api.allowed_hosts"),
    key("api.allowed_origins"),
    per_start("acknowledge_live", "--acknowledge-live"),
    per_start("nonce", "--nonce"),
    per_start("parent_pid", "--parent-pid"),
];

impl Key {
    /// Returns the environment variable that sets this key.
    pub(super) fn variable(&self) -> String {
        format!("OUTRIGGER_{}", self.path.replace('.', "_").to_uppercase())
    }
}

/// Returns the name nearest to `wrong`, when one is near enough to be meant.
pub(super) fn nearest<'a>(wrong: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    const NEAR: f64 = 0.65;
    let scored = names.map(|name| (strsim::normalized_damerau_levenshtein(wrong, name), name));
    scored.filter(|(score, _)| *score >= NEAR).max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, name)| name)
}

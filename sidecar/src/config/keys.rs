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
    /// Whoever starts the process chooses these each time; the file is no place for them.
    pub in_file: bool,
    /// What it means, for `docs/CONFIG.md`.
    pub about: &'static str,
}

const fn key(path: &'static str, about: &'static str) -> Key {
    Key { path, flag: None, in_file: true, about }
}

const fn flagged(path: &'static str, flag: &'static str, about: &'static str) -> Key {
    Key { path, flag: Some(flag), in_file: true, about }
}

const fn per_start(path: &'static str, flag: &'static str, about: &'static str) -> Key {
    Key { path, flag: Some(flag), in_file: false, about }
}

pub(super) const KEYS: &[Key] = &[
    flagged("env", "--env", "`sim`, `demo` or `live`. `live` only as a flag, with `--acknowledge-live`."),
    flagged("listen", "--listen", "Address of the local API, on this machine; port 0 picks one."),
    flagged(
        "metrics_listen",
        "--metrics-listen",
        "Second address on this machine that gives `/metrics` without a token.",
    ),
    flagged(
        "data_dir",
        "--data-dir",
        "Where ledger, tape, admin token and lock live. One process per directory.",
    ),
    flagged(
        "markets",
        "--markets",
        "Tickers whose books are kept at all times. Only these are listed; others are looked up when they are asked for.",
    ),
    flagged(
        "venue.url",
        "--venue",
        "Exchange that is already running. Plain http only on this machine; a host of another environment is refused.",
    ),
    flagged("venue.key_id", "--key-id", "Id of the account's API key."),
    flagged(
        "venue.key_file",
        "--key-file",
        "Private key of the account, PEM: RSA (PKCS#1, PKCS#8) or Ed25519 (PKCS#8).",
    ),
    flagged("simulator.scenario", "--scenario", "What the exchange inside plays."),
    flagged("simulator.seed", "--seed", "The same seed gives the same market."),
    key("limits.max_order_count", "Contracts in one order."),
    key("limits.max_order_notional", "Dollars one order can cost or lose."),
    key("limits.max_open_orders", "Orders that rest, are pending or unknown, all markets together."),
    key("limits.max_position", "Contracts held in one market if everything working filled."),
    key(
        "acceptance_window_ms",
        "How long after sending an order could still be accepted: 5000 with `sim`, 30000 with `demo` and `live` and not less.",
    ),
    key("report_interval_ms", "How often the account is read back whatever happens."),
    key(
        "streams.follow",
        "`all` follows every market that opens, for exchanges with few markets: the default with `sim`. `needed` follows what is pinned, \
         what a client subscribes to or reads, and where an order works or a position is held: the default with `demo` and `live`.",
    ),
    key("streams.grace_ms", "How long a book is kept after nobody needs it any more."),
    key(
        "streams.truth_every_ms",
        "How often some live books are read by REST and compared; 0 never does. Left out while the rate budget is short.",
    ),
    key(
        "streams.redundancy",
        "Connections to the exchange's stream side by side, 1 or 2. With 2 the faster one wins and the loss of one is not a gap; \
         each counts against what the exchange allows.",
    ),
    key("streams.max_clients", "Clients of the local stream."),
    key("streams.max_topics_per_client", "Topics one client may subscribe to."),
    key("streams.client_queue_frames", "Frames that may wait for one client."),
    key("streams.client_queue_bytes", "Bytes that may wait for one client."),
    key("store.tape", "Whether public trades are recorded."),
    key("store.tape_retention_hours", "How long they are kept."),
    key("store.capture", "Whether every raw frame of the exchange's stream is recorded, for replay."),
    key("store.capture_dir", "Where captures lie: `captures` in the data directory."),
    key("store.capture_retention_hours", "How long captures are kept, 1 to 87600 hours."),
    key(
        "store.capture_max_bytes",
        "Bytes all captures may take together, compressed, from 1048576; the oldest are deleted first.",
    ),
    flagged("log.level", "--log-level", "`error`, `warn`, `info`, `debug` or `trace`."),
    flagged("log.format", "--log-format", "`auto` (text on a terminal, JSON otherwise), `json` or `text`."),
    key("api.allowed_hosts", "`Host` values to accept besides the listening address."),
    key("api.allowed_origins", "Web origins that may call; none by default."),
    per_start("acknowledge_live", "--acknowledge-live", "Says that real money is meant."),
    per_start("nonce", "--nonce", "Printed in the READY line."),
    per_start("parent_pid", "--parent-pid", "Stop cleanly when this process ends."),
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

//! What the account may do, and how long doubt lasts.

use std::fmt::Display;
use std::str::FromStr;

use outrigger_engine::domain::{Count, Money};
use outrigger_engine::risk::Limits;

use super::keys::Env;
use super::reader::{Reader, whole};

/// Kalshi accepts a signature that is 25 s old; the rest is for travel.
const ACCEPTANCE_WINDOW_MS: u64 = 30_000;
/// The simulated exchange is on this machine: what it has not answered in 5 s it will not.
const ACCEPTANCE_WINDOW_SIM_MS: u64 = 5_000;
/// A fill the stream lost without a word is found at most this much later, well within the promised 10 s.
const REPORT_INTERVAL_MS: u64 = 5_000;

/// Limits and windows of the desk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Risk {
    pub limits: Limits,
    /// How long after sending an order could still be accepted.
    pub acceptance_window_ms: u64,
    /// How often the account is read back whatever happens.
    pub report_interval_ms: u64,
}

fn amount<T: FromStr + Display>(example: &'static str) -> impl Fn(&str) -> Result<T, String> {
    move |text| text.parse().map_err(|_| format!("a decimal string such as \"{example}\""))
}

pub(super) fn read(reader: &mut Reader<'_>, env: Env) -> Risk {
    let defaults = Limits::default();
    let max_order_count =
        reader.value("limits.max_order_count", defaults.max_order_count, amount::<Count>("100.00"));
    let max_order_notional =
        reader.value("limits.max_order_notional", defaults.max_order_notional, amount::<Money>("500.00"));
    if max_order_notional < Money::ZERO {
        reader.wrong("limits.max_order_notional", "cannot be negative");
    }
    let open_orders =
        reader.value("limits.max_open_orders", defaults.max_open_orders.into(), whole(0, 1_000_000));
    let max_position = reader.value("limits.max_position", defaults.max_position, amount::<Count>("1000.00"));
    let window = if env == Env::Sim { ACCEPTANCE_WINDOW_SIM_MS } else { ACCEPTANCE_WINDOW_MS };
    let acceptance_window_ms = reader.value("acceptance_window_ms", window, whole(1_000, 600_000));
    // Shorter than the venue's own window, an order could be given up that is still accepted.
    if env != Env::Sim && acceptance_window_ms < ACCEPTANCE_WINDOW_MS {
        reader.wrong("acceptance_window_ms", format!("must be at least {ACCEPTANCE_WINDOW_MS} with {env}"));
    }
    let report_interval_ms = reader.value("report_interval_ms", REPORT_INTERVAL_MS, whole(500, 30_000));
    Risk {
        limits: Limits {
            max_order_count,
            max_order_notional,
            max_open_orders: u32::try_from(open_orders).unwrap_or(u32::MAX),
            max_position,
        },
        acceptance_window_ms,
        report_interval_ms,
    }
}

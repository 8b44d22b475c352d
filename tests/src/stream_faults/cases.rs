//! What a row of the table of faults says: what goes wrong, when, and what a client may then see.

/// When a fault begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Before the sidecar starts.
    Start,
    /// While everything is live.
    Steady,
    /// Together with a number that is skipped, so that all books have to be read anew.
    Resync,
    /// Together with the end of the connection.
    Reconnect,
}

pub const PHASES: [Phase; 4] = [Phase::Start, Phase::Steady, Phase::Resync, Phase::Reconnect];

/// What a client sees of the books of the subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sees {
    /// They stay `live`.
    Live,
    /// They turn `suspect`, then `live` with a snapshot. The connection stays.
    Suspect,
    /// Either of these two.
    LiveOrSuspect,
    /// The connection ends or is not made: `stale`, then `live` with a snapshot of the next one.
    Stale,
    /// Either, depending on which message is hit.
    SuspectOrStale,
}

/// What ends a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// It is taken away after so many milliseconds.
    Ms(u64),
    /// It lasts until the client was told what is expected, which must be within [`FOUND_MS`].
    Found,
}

/// Silence in any form, and a change lost without a trace, must be found within this time.
pub const FOUND_MS: u64 = 25_000;
/// Once the fault is over, live and true again within this time, if a row does not say otherwise.
pub const LIVE_MS: u64 = 10_000;
/// What is shown as live was the exchange's book at most so long ago: the way to the client, on a busy machine.
pub const LATE_MS: i64 = 5_000;

/// One fault.
#[derive(Debug, Clone, Copy)]
pub struct Fault {
    pub words: &'static str,
    /// Rules of the simulated exchange.
    pub rules: &'static [&'static str],
    pub sees: &'static [(Phase, Sees)],
    pub until: Until,
    /// What a client sees of its orders and fills.
    pub account: &'static str,
    pub healed_by: &'static str,
    pub live_ms: u64,
    /// For so long a book may be shown as live though it no longer is the exchange's.
    pub late_ms: i64,
    /// A state that never was the exchange's may be shown as live until it is found.
    pub may_be_untrue: bool,
}

//! Kinds of faults: what the rows of the table have in common.

use super::cases::{Fault, LATE_MS, LIVE_MS, Phase, Sees, Until};

use Phase::{Reconnect, Resync, Start, Steady};
use Sees::{Live, Stale, Suspect, SuspectOrStale};

pub(super) const AS_EVER: &str = "as ever";
pub(super) const READ_BACK: &str = "late: read back";
pub(super) const AT_ONCE: &str = "nothing is wrong";

/// What most rows share.
pub(super) const ROW: Fault = Fault {
    words: "",
    rules: &[],
    sees: &[],
    until: Until::Ms(1_500),
    account: AS_EVER,
    healed_by: AT_ONCE,
    live_ms: LIVE_MS,
    late_ms: LATE_MS,
    may_be_untrue: false,
};

/// Books are read anew by the connection that stands.
pub(super) const SNAPSHOT: Fault = Fault {
    sees: &[(Start, SuspectOrStale), (Steady, Suspect), (Resync, Suspect), (Reconnect, Stale)],
    healed_by: "snapshots",
    ..ROW
};
/// Changes nothing.
pub(super) const HARMLESS: Fault =
    Fault { sees: &[(Start, Live), (Steady, Live), (Resync, Suspect), (Reconnect, Stale)], ..ROW };
/// Only the account's messages are hit.
pub(super) const PRIVATE: Fault = Fault {
    sees: &[(Start, Live), (Steady, Live), (Reconnect, Stale)],
    account: READ_BACK,
    healed_by: "the read-back",
    until: Until::Ms(2_500),
    ..ROW
};
/// The connection ends.
pub(super) const BREAK: Fault = Fault {
    sees: &[(Start, Stale), (Steady, Stale), (Resync, Stale), (Reconnect, Stale)],
    account: READ_BACK,
    healed_by: "a new connection",
    ..ROW
};
/// The connection stands and is of no use.
pub(super) const SILENCE: Fault = Fault { until: Until::Found, late_ms: 30_000, ..BREAK };
/// No connection is made while it lasts.
pub(super) const REFUSAL: Fault = Fault {
    sees: &[(Start, Stale), (Reconnect, Stale)],
    healed_by: "the next attempt",
    account: READ_BACK,
    until: Until::Ms(3_000),
    ..ROW
};
/// Reads of the account fail.
pub(super) const READS: Fault = Fault {
    sees: &[(Start, Live), (Steady, Live), (Reconnect, Stale)],
    account: "by the stream; the read-back waits",
    healed_by: "the next read-back",
    until: Until::Ms(6_500),
    ..ROW
};

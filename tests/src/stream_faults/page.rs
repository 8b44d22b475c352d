//! The page that tells a client what each fault looks like, made from the table that the cases run by.

use std::fmt::Write as _;

use super::cases::{FOUND_MS, Fault, PHASES, Phase, Sees, Until};
use super::faults::FAULTS;

const HEAD: &str = "# What a client sees when the stream fails

Written from the table of faults in `tests/src/stream_faults/faults.rs` by the test `every_fault_in_every_phase`, which runs each
cell of it against the simulated exchange and fails when this page is out of date (`OUTRIGGER_WRITE_DOCS=1` writes it anew).

In every case, while orders trade:

- A book shown as `live` on `book:T` is the exchange's book of that moment or of at most 5 s before, by the exchange's own tape. There are
  two exceptions, each found within 25 s: a silent connection leaves books `live` that have grown old, and a change lost without a trace
  leaves a book `live` that is wrong.
- Each fill is told once on topic `fills`, and in the end orders, fills, positions and cash by REST, on the topics and in the ledger
  equal the exchange's.
- Once the fault is over, all books are `live` and `/readyz` says yes within the time of the last column, and then everything equals the
  exchange within 10 s. A fault that ends by itself, such as a lost command, is over when it has happened.

In a cell: *live*: the books stay `live`. *suspect*: the books of the subscription turn `suspect` in the same step and `live` with a
snapshot; the connection stays. *stale*: the connection ends or is not made, component `stream` of topic `health` says `backing_off`
with the reason, every book is `stale` until the next connection brings its snapshot. Empty: not a case of its own.

";

const TAIL: &str = "
TLS that fails (expired, for another name, by an unknown signer) fails closed: no connection is made, `health` and `/readyz` name the
machine's clock as a possible cause, and attempts go on at the slow pace; see `tests/tests/handshake.rs`. An exchange or a sidecar whose
process stands still is in `tests/tests/liveness.rs`.
";

/// Writes the page.
#[must_use]
pub fn page() -> String {
    let mut text = HEAD.to_owned();
    text.push_str("| fault | at the start | in steady state | while books are read anew | while reconnecting | orders and fills | healed by | live again within |\n");
    text.push_str("|---|---|---|---|---|---|---|---|\n");
    for fault in FAULTS {
        let cells = PHASES.map(|phase| sees(fault, phase));
        let [start, steady, resync, reconnect] = cells;
        let Fault { words, account, healed_by, .. } = fault;
        let within = within(fault);
        let _ = writeln!(
            text,
            "| {words} | {start} | {steady} | {resync} | {reconnect} | {account} | {healed_by} | {within} |"
        );
    }
    text.push_str(TAIL);
    text
}

fn sees(fault: &Fault, phase: Phase) -> &'static str {
    match fault.sees.iter().find(|(of, _)| *of == phase) {
        None => "",
        Some((_, Sees::Live)) => "live",
        Some((_, Sees::Suspect)) => "suspect",
        Some((_, Sees::LiveOrSuspect)) => "live or suspect",
        Some((_, Sees::Stale)) => "stale",
        Some((_, Sees::SuspectOrStale)) => "suspect, or stale if an answer is hit",
    }
}

fn within(fault: &Fault) -> String {
    let live_s = fault.live_ms / 1_000;
    match fault.until {
        Until::Found => format!("{} s to find it, then {live_s} s", FOUND_MS / 1_000),
        Until::Ms(_) => format!("{live_s} s"),
    }
}

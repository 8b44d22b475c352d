//! Encodes book snapshots: bids of both legs, worst price first, the key of an empty side left out.

use std::io::Write as _;

use super::outbox::Outbox;
use super::text::{push, push_count, push_json_str, push_price};

/// One dollar in 1e-4 dollars.
const DOLLAR: i64 = 10_000;

/// A snapshot of one market on its way to one subscription.
pub(crate) struct Snapshot<'a, L> {
    /// The id of the `get_snapshot` command it answers.
    pub(crate) id: Option<i64>,
    pub(crate) sid: u64,
    pub(crate) seq: u64,
    pub(crate) market_ticker: &'a str,
    pub(crate) market_id: &'a str,
    /// Absent where it is not known: recordings from before October 2026 carry none.
    pub(crate) clock: Option<u64>,
    /// Levels as price in 1e-4 dollars and count in 1e-2 contracts.
    pub(crate) yes: L,
    pub(crate) no: L,
    pub(crate) use_yes_price: bool,
}

/// Sends a snapshot.
pub(crate) fn snapshot<L: Iterator<Item = (i64, i64)>>(out: &mut Outbox, snapshot: Snapshot<'_, L>) {
    out.text(|to| {
        to.extend_from_slice(br#"{"type":"orderbook_snapshot""#);
        if let Some(id) = snapshot.id {
            push!(to, r#","id":{id}"#);
        }
        let sending_ts_ms = to.sending_ts_ms;
        push!(to, r#","sid":{},"seq":{},"sending_ts_ms":{sending_ts_ms}"#, snapshot.sid, snapshot.seq);
        to.extend_from_slice(br#","msg":{"market_ticker":"#);
        push_json_str(to, snapshot.market_ticker);
        to.extend_from_slice(br#","market_id":"#);
        push_json_str(to, snapshot.market_id);
        if let Some(clock) = snapshot.clock {
            push!(to, r#","clock":{clock}"#);
        }
        push_side(to, "yes_dollars_fp", snapshot.yes, false);
        push_side(to, "no_dollars_fp", snapshot.no, snapshot.use_yes_price);
        to.extend_from_slice(b"}}");
    });
}

fn push_side(to: &mut Vec<u8>, key: &str, levels: impl Iterator<Item = (i64, i64)>, at_other_leg: bool) {
    let mut is_empty = true;
    for (price, count) in levels {
        if is_empty {
            push!(to, r#","{key}":["#);
        } else {
            to.push(b',');
        }
        is_empty = false;
        to.extend_from_slice(b"[\"");
        push_price(to, if at_other_leg { DOLLAR - price } else { price });
        to.extend_from_slice(b"\",\"");
        push_count(to, count);
        to.extend_from_slice(b"\"]");
    }
    if !is_empty {
        to.push(b']');
    }
}

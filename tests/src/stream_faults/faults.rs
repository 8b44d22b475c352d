//! The table: one row per fault. Adding a case is adding to a row.

use super::cases::{Fault, LIVE_MS, Phase, Sees, Until};
use super::kinds::{AS_EVER, AT_ONCE, BREAK, HARMLESS, PRIVATE, READS, REFUSAL, ROW, SILENCE, SNAPSHOT};

use Phase::{Reconnect, Resync, Start, Steady};
use Sees::{Live, LiveOrSuspect, Stale, Suspect};

/// Every fault.
pub const FAULTS: &[Fault] = &[
    // Long ones first: they run beside all others.
    Fault {
        words: "connected, pings are answered, nothing else comes",
        rules: &[r#"{"socket":"frame","fault":"mute","count":1}"#],
        ..SILENCE
    },
    Fault {
        words: "half-open: neither bytes nor an end",
        rules: &[r#"{"socket":"frame","fault":"half_open","count":1}"#],
        ..SILENCE
    },
    Fault {
        words: "bytes trickle",
        rules: &[r#"{"socket":"frame","fault":"trickle","ms":40,"count":1}"#],
        ..SILENCE
    },
    Fault {
        words: "the handshake is refused with 401",
        rules: &[r#"{"socket":"upgrade","fault":"status","status":401}"#],
        healed_by: "a person, then the next attempt: two within 8 s each, then at the slow pace",
        ..REFUSAL
    },
    Fault {
        words: "the handshake is refused with 403",
        rules: &[r#"{"socket":"upgrade","fault":"status","status":403}"#],
        sees: &[(Reconnect, Stale)],
        healed_by: "a person, then the next attempt: two within 8 s each, then at the slow pace",
        ..REFUSAL
    },
    Fault {
        words: "a change lost without a trace: later numbers close the hole",
        rules: &[r#"{"channel":"orderbook_delta","fault":"drop","consume_seq":false,"count":1}"#],
        sees: &[(Steady, Suspect)],
        until: Until::Found,
        late_ms: 30_000,
        may_be_untrue: true,
        healed_by: "the sampled truth, or a change that contradicts; then a snapshot",
        ..ROW
    },
    Fault {
        words: "the upgrade gets no answer",
        rules: &[r#"{"socket":"upgrade","fault":"hang"}"#],
        healed_by: "the next attempt, once the handshake's 8 s are over",
        live_ms: LIVE_MS + 8_000,
        ..REFUSAL
    },
    Fault {
        words: "half-open in the handshake",
        rules: &[r#"{"socket":"upgrade","fault":"half_open"}"#],
        healed_by: "the next attempt, once the handshake's 8 s are over",
        live_ms: LIVE_MS + 8_000,
        ..REFUSAL
    },
    Fault {
        words: "the exchange ends every subscription: error 25",
        rules: &[r#"{"channel":"orderbook_delta","fault":"overflow","count":1}"#],
        ..BREAK
    },
    // Frames of books.
    Fault {
        words: "some frames of books are lost",
        rules: &[r#"{"channel":"orderbook_delta","fault":"drop","every":9}"#],
        ..SNAPSHOT
    },
    Fault {
        words: "all frames of books are lost, snapshots too",
        rules: &[r#"{"channel":"orderbook_delta","fault":"drop"}"#],
        sees: &[(Start, LiveOrSuspect), (Steady, Suspect), (Resync, Suspect), (Reconnect, Stale)],
        healed_by: "snapshots, asked for again and again",
        ..ROW
    },
    Fault {
        words: "numbers are skipped",
        rules: &[r#"{"channel":"orderbook_delta","fault":"gap","every":10,"by":2}"#],
        ..SNAPSHOT
    },
    Fault {
        words: "frames of books come twice",
        rules: &[r#"{"channel":"orderbook_delta","fault":"duplicate","every":3}"#],
        ..HARMLESS
    },
    Fault {
        words: "frames of books change places",
        rules: &[r#"{"channel":"orderbook_delta","fault":"reorder","ms":200,"every":10}"#],
        ..SNAPSHOT
    },
    Fault {
        words: "frames of books come 1.5 s late",
        rules: &[r#"{"channel":"orderbook_delta","fault":"delay","ms":1500}"#],
        account: "as late as the books: the order of frames is kept",
        ..HARMLESS
    },
    Fault {
        words: "frames of books are cut in their middle",
        rules: &[r#"{"channel":"orderbook_delta","fault":"malformed","every":10}"#],
        ..SNAPSHOT
    },
    Fault {
        words: "all frames have members nobody knows",
        rules: &[r#"{"socket":"frame","fault":"unknown_fields"}"#],
        ..HARMLESS
    },
    Fault {
        words: "frames of a type nobody knows",
        rules: &[r#"{"socket":"frame","fault":"unknown_type","every":3}"#],
        ..HARMLESS
    },
    Fault {
        words: "frames of a megabyte",
        rules: &[r#"{"channel":"orderbook_delta","fault":"huge","bytes":1000000,"count":5}"#],
        ..HARMLESS
    },
    Fault {
        words: "a frame beyond 16 MiB",
        rules: &[r#"{"channel":"orderbook_delta","fault":"huge","bytes":20000000,"count":1}"#],
        ..BREAK
    },
    // The account's messages.
    Fault { words: "fills are lost", rules: &[r#"{"channel":"fill","fault":"drop"}"#], ..PRIVATE },
    Fault {
        words: "fills come twice",
        rules: &[r#"{"channel":"fill","fault":"duplicate"}"#],
        account: "once",
        healed_by: AT_ONCE,
        ..PRIVATE
    },
    Fault {
        words: "fills change places",
        rules: &[r#"{"channel":"fill","fault":"reorder","ms":500,"every":2}"#],
        account: "once, in the order they came",
        healed_by: AT_ONCE,
        ..PRIVATE
    },
    Fault {
        words: "fills come 1.5 s late",
        rules: &[r#"{"channel":"fill","fault":"delay","ms":1500}"#],
        account: "once, late or read back",
        ..PRIVATE
    },
    Fault {
        words: "fills are cut in their middle",
        rules: &[r#"{"channel":"fill","fault":"malformed"}"#],
        ..PRIVATE
    },
    Fault {
        words: "messages of orders are lost",
        rules: &[r#"{"channel":"user_orders","fault":"drop"}"#],
        account: "from answers and fills, else read back",
        ..PRIVATE
    },
    Fault {
        words: "messages of orders come twice",
        rules: &[r#"{"channel":"user_orders","fault":"duplicate"}"#],
        account: "once",
        healed_by: AT_ONCE,
        ..PRIVATE
    },
    Fault {
        words: "messages of orders change places",
        rules: &[r#"{"channel":"user_orders","fault":"reorder","ms":500,"every":2}"#],
        account: "never back to an older state",
        healed_by: AT_ONCE,
        ..PRIVATE
    },
    Fault {
        words: "messages of orders, fills and positions are lost",
        rules: &[
            r#"{"channel":"user_orders","fault":"drop"}"#,
            r#"{"channel":"fill","fault":"drop"}"#,
            r#"{"channel":"market_positions","fault":"drop"}"#,
        ],
        ..PRIVATE
    },
    // Commands and their answers.
    Fault {
        words: "a command is not heard",
        rules: &[r#"{"socket":"command","fault":"drop","count":1}"#],
        sees: &[(Start, LiveOrSuspect), (Resync, Suspect), (Reconnect, Stale)],
        healed_by: "the same command again after 5 s",
        ..ROW
    },
    Fault {
        words: "commands are heard twice",
        rules: &[r#"{"socket":"command","fault":"duplicate"}"#],
        sees: &[(Start, LiveOrSuspect), (Resync, Suspect), (Reconnect, Stale)],
        ..ROW
    },
    Fault {
        words: "the answer to a subscription is lost",
        rules: &[r#"{"socket":"frame","fault":"drop","nth":1}"#],
        sees: &[(Start, LiveOrSuspect), (Reconnect, Stale)],
        healed_by: "the same command again after 5 s",
        ..ROW
    },
    // The connection.
    Fault {
        words: "the connection ends without a word",
        rules: &[r#"{"socket":"frame","fault":"disconnect","count":1}"#],
        ..BREAK
    },
    Fault {
        words: "the connection is reset",
        rules: &[r#"{"socket":"frame","fault":"reset","count":1}"#],
        ..BREAK
    },
    Fault {
        words: "maintenance: closed with 1001, refused for 2 s",
        rules: &[r#"{"socket":"frame","fault":"maintenance","ms":2000,"count":1}"#],
        ..BREAK
    },
    // The handshake.
    Fault {
        words: "upgrades are refused with 503",
        rules: &[r#"{"socket":"upgrade","fault":"status","status":503}"#],
        ..REFUSAL
    },
    Fault {
        words: "upgrades are refused with 429",
        rules: &[r#"{"socket":"upgrade","fault":"status","status":429}"#],
        ..REFUSAL
    },
    Fault {
        words: "connections are closed in the handshake",
        rules: &[r#"{"socket":"upgrade","fault":"drop"}"#],
        ..REFUSAL
    },
    Fault {
        words: "connections are reset in the handshake",
        rules: &[r#"{"socket":"upgrade","fault":"reset"}"#],
        ..REFUSAL
    },
    Fault {
        words: "the handshake takes 2.5 s",
        rules: &[r#"{"socket":"upgrade","fault":"delay","ms":2500}"#],
        sees: &[(Start, Live), (Reconnect, Stale)],
        healed_by: AT_ONCE,
        ..REFUSAL
    },
    Fault {
        words: "the exchange's clock is 40 s ahead",
        rules: &[
            r#"{"route":"* /**","fault":"skew","ms":40000}"#,
            r#"{"socket":"upgrade","fault":"skew","ms":40000}"#,
        ],
        sees: &[(Reconnect, Stale)],
        healed_by: "the next attempt, signed by the exchange's clock",
        ..REFUSAL
    },
    // Reads.
    Fault {
        words: "reads of the account answer 500",
        rules: &[r#"{"route":"GET /portfolio/**","fault":"status","status":500}"#],
        ..READS
    },
    Fault {
        words: "reads of the account answer 429",
        rules: &[r#"{"route":"GET /portfolio/**","fault":"status","status":429}"#],
        ..READS
    },
    Fault {
        words: "reads of the account are cut in their middle",
        rules: &[r#"{"route":"GET /portfolio/**","fault":"malformed"}"#],
        ..READS
    },
    Fault {
        words: "reads of the account tell an older state",
        rules: &[r#"{"route":"GET /portfolio/**","fault":"stale"}"#],
        ..READS
    },
    Fault {
        words: "reads of the account end without an answer",
        rules: &[r#"{"route":"GET /portfolio/**","fault":"drop"}"#],
        ..READS
    },
    Fault {
        words: "reads of the account take 2 s",
        rules: &[r#"{"route":"GET /portfolio/**","fault":"delay","ms":2000}"#],
        ..READS
    },
    Fault {
        words: "reads of the account get no answer",
        rules: &[r#"{"route":"GET /portfolio/**","fault":"hang"}"#],
        sees: &[(Steady, Live), (Reconnect, Stale)],
        ..READS
    },
    Fault {
        words: "reads of markets and books answer 500",
        rules: &[r#"{"route":"GET /markets/**","fault":"status","status":500}"#],
        sees: &[(Start, LiveOrSuspect), (Steady, Live), (Reconnect, Stale)],
        account: AS_EVER,
        healed_by: "the next read",
        ..READS
    },
    Fault {
        words: "reads of books tell an older state",
        rules: &[r#"{"route":"GET /markets/**","fault":"stale"}"#],
        sees: &[(Steady, LiveOrSuspect)],
        until: Until::Ms(12_000),
        account: AS_EVER,
        healed_by: "a snapshot, where it was believed",
        ..READS
    },
    Fault {
        words: "fills are lost and reads of the account answer 500",
        rules: &[
            r#"{"channel":"fill","fault":"drop"}"#,
            r#"{"route":"GET /portfolio/**","fault":"status","status":500}"#,
        ],
        sees: &[(Steady, Live), (Reconnect, Stale)],
        account: "late: with the first read-back that succeeds",
        ..READS
    },
    Fault {
        words: "all reads answer 503",
        rules: &[r#"{"route":"GET /**","fault":"status","status":503}"#],
        sees: &[(Start, LiveOrSuspect), (Steady, Live), (Reconnect, Stale)],
        ..READS
    },
];

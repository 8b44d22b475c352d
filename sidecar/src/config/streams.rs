//! Which books are followed, how they are checked, and the bounds of the local stream.

use super::keys::Env;
use super::reader::{Reader, whole};

/// Bounds that keep slow or hostile clients harmless (I12).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Streams {
    /// Every market that opens is followed, whatever clients ask.
    pub follows_all: bool,
    /// How long a book is kept after the last need for it ended, in milliseconds.
    pub grace_ms: u64,
    /// How often books are compared with the exchange's REST side, in milliseconds; never when zero.
    pub truth_every_ms: u64,
    /// The exchange's stream comes on two strands of connections side by side.
    pub has_two_strands: bool,
    pub max_clients: usize,
    pub max_topics_per_client: usize,
    pub client_queue_frames: usize,
    pub client_queue_bytes: usize,
}

pub(super) fn read(reader: &mut Reader<'_>, env: Env) -> Streams {
    // The simulated exchange has some dozens of markets; Kalshi has more than a hundred thousand.
    let usual = if env == Env::Sim { "all" } else { "needed" };
    let follow = reader.value("streams.follow", usual.to_owned(), |text| match text {
        "all" | "needed" => Ok(text.to_owned()),
        _ => Err("one of all, needed".to_owned()),
    });
    if follow == "all" && env != Env::Sim {
        reader.wrong("streams.follow", "`all` is for exchanges with few markets; name some with --markets");
    }
    // A program that restarts finds its books warm.
    let grace_ms = reader.value("streams.grace_ms", 60_000, whole(0, 86_400_000));
    let truth_every_ms = reader.value("streams.truth_every_ms", 5_000, whole(0, 3_600_000));
    let redundancy = reader.value("streams.redundancy", 1, |text| match text {
        "1" => Ok(1),
        "2" => Ok(2),
        _ => Err("1 or 2: the number of connections side by side".to_owned()),
    });
    let mut bound = |path, default: u64, min, max| {
        usize::try_from(reader.value(path, default, whole(min, max))).unwrap_or(usize::MAX)
    };
    Streams {
        follows_all: follow == "all",
        grace_ms,
        truth_every_ms,
        has_two_strands: redundancy == 2,
        // A desk has tens of programs; a thousand is a runaway loop.
        max_clients: bound("streams.max_clients", 1_000, 1, 100_000),
        max_topics_per_client: bound("streams.max_topics_per_client", 1_000, 1, 100_000),
        // Half a second of a very busy feed, and 4 MiB, for each client.
        client_queue_frames: bound("streams.client_queue_frames", 8_192, 16, 1_000_000),
        client_queue_bytes: bound("streams.client_queue_bytes", 4 << 20, 64 << 10, 1 << 30),
    }
}

//! Bounds of the local stream.

use super::reader::{Reader, whole};

/// Bounds that keep slow or hostile clients harmless (I12).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Streams {
    pub max_clients: usize,
    pub max_topics_per_client: usize,
    pub client_queue_frames: usize,
    pub client_queue_bytes: usize,
}

pub(super) fn read(reader: &mut Reader<'_>) -> Streams {
    let mut bound = |path, default: u64, min, max| {
        usize::try_from(reader.value(path, default, whole(min, max))).unwrap_or(usize::MAX)
    };
    Streams {
        // A desk has tens of programs; a thousand is a runaway loop.
        max_clients: bound("streams.max_clients", 1_000, 1, 100_000),
        max_topics_per_client: bound("streams.max_topics_per_client", 1_000, 1, 100_000),
        // Half a second of a very busy feed, and 4 MiB, for each client.
        client_queue_frames: bound("streams.client_queue_frames", 8_192, 16, 1_000_000),
        client_queue_bytes: bound("streams.client_queue_bytes", 4 << 20, 64 << 10, 1 << 30),
    }
}

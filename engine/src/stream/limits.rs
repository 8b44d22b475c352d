//! Bounds of the stream, published to clients in `hello`, and its counters.

use std::sync::atomic::AtomicU64;

use super::outbox::OutboxLimits;
use super::window::WindowLimits;

/// Every bound of the hub.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HubLimits {
    pub clients_max: usize,
    /// Topics and wildcards one client may subscribe to.
    pub topics_per_client_max: usize,
    pub outbox: OutboxLimits,
    /// For each stream topic of the account, on its own.
    pub window: WindowLimits,
    /// For the trades of all markets together.
    pub trades_window: WindowLimits,
}

impl Default for HubLimits {
    fn default() -> HubLimits {
        HubLimits {
            clients_max: 1_000,
            topics_per_client_max: 1_000,
            // Half a second of a very busy feed; enough for a pause, small enough for a thousand clients to be borne.
            outbox: OutboxLimits { frames_max: 8_192, bytes_max: 4 << 20 },
            // Smaller than an outbox, so that a whole window can be replayed into one.
            window: WindowLimits { frames_max: 4_096, bytes_max: 2 << 20 },
            trades_window: WindowLimits { frames_max: 32_768, bytes_max: 12 << 20 },
        }
    }
}

/// Counters and gauges of the stream, read by telemetry.
#[derive(Debug, Default)]
pub struct StreamStats {
    pub clients: AtomicU64,
    pub topics: AtomicU64,
    pub subscriptions: AtomicU64,
    /// Frames written, each once.
    pub frames_encoded: AtomicU64,
    /// Frames queued for clients, once for each client.
    pub frames_delivered: AtomicU64,
    /// Cache frames a slow client did not get one by one; it gets the newest state instead.
    pub frames_coalesced: AtomicU64,
    pub clients_closed_slow: AtomicU64,
    pub clients_closed_silent: AtomicU64,
    pub clients_refused: AtomicU64,
    pub resumes_complete: AtomicU64,
    pub resumes_impossible: AtomicU64,
}

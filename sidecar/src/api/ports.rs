//! What the API needs from the rest of the process. The application wires the real ones; tests wire small ones.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use serde::Serialize;

pub use crate::store::Scope;
use outrigger_engine::domain::Ticker;
use outrigger_engine::venue::PublicTrade;

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// The token's name; never the token.
    pub name: String,
    pub scope: Scope,
}

/// Knows the bearer tokens. Must compare in constant time and must not block.
pub trait TokenPort: Send + Sync {
    fn check(&self, token: &str) -> Option<Principal>;
}

/// The latches behind `/readyz`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct ReadyFlags {
    pub streams_ready: bool,
    pub rest_ready: bool,
    pub rate_limiter_ready: bool,
    pub rehydration_ready: bool,
    pub db_worker_ready: bool,
    pub api_routes_ready: bool,
}

impl ReadyFlags {
    pub const fn all(&self) -> bool {
        self.streams_ready
            && self.rest_ready
            && self.rate_limiter_ready
            && self.rehydration_ready
            && self.db_worker_ready
            && self.api_routes_ready
    }
}

/// A part that works less well than it should.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Degraded {
    pub component: String,
    pub reason: String,
    /// RFC 3339.
    pub since: String,
}

/// Knows how the process is. Must answer at once, whatever else is busy.
pub trait ReadinessPort: Send + Sync {
    fn flags(&self) -> ReadyFlags;
    fn degraded(&self) -> Vec<Degraded>;
}

/// Renders the metrics as OpenMetrics text.
pub trait MetricsPort: Send + Sync {
    fn render(&self) -> String;
    /// Counts an answered request. `route` is the pattern it matched, `None` when there is none.
    fn answered(&self, _route: Option<&str>, _method: &str, _status: u16, _took: Duration) {}
}

/// Reads the venue's limits and ours, as a JSON object.
pub trait LimitsPort: Send + Sync {
    fn limits(&self) -> serde_json::Map<String, serde_json::Value>;
    /// After how many seconds, at least one, an order that was not sent may find room or an exchange that answers.
    fn retry_after_s(&self) -> u64;
}

/// An answer that takes a while.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Reads public trades of a market, newest first.
pub trait TradesPort: Send + Sync {
    /// Returns at most `limit` trades, or why the venue could not be asked.
    fn trades(&self, ticker: Ticker, limit: usize) -> Answer<'_, Result<Vec<PublicTrade>, String>>;
}

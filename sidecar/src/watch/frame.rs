//! Frames of the local stream, as far as the picture needs them.

use serde::Deserialize;

use outrigger_engine::domain::{Count, Price};

/// A server frame. Unknown fields and operations are nothing to a picture.
#[derive(Debug, Deserialize)]
pub(super) struct Frame {
    #[serde(default)]
    pub topic: String,
    #[serde(default)]
    pub kind: String,
    #[serde(default)]
    pub data: serde_json::Value,
    /// `error` frames say what was wrong with a request.
    #[serde(default)]
    pub message: Option<String>,
}

/// Levels of both legs: the whole book in a snapshot, the changed levels with their new size in a delta.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Levels {
    #[serde(default)]
    pub seq: u64,
    #[serde(default)]
    pub trust: String,
    #[serde(default)]
    pub yes: Vec<(Price, Count)>,
    #[serde(default)]
    pub no: Vec<(Price, Count)>,
    #[serde(default)]
    pub reason: Option<String>,
}

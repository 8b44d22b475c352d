//! A fault rule as it is written: one `[[faults]]` table, or the JSON of the control route.

use std::path::Path;

use serde::{Deserialize, Serialize};

/// Where, what and when. Exactly one of `route` and `socket`, or `channel` and/or `market`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FaultSpec {
    /// `METHOD /path` below the REST base; `*` stands for any method or one segment, a last `**` for the rest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub route: Option<String>,
    /// Frames of this channel.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    /// Frames about this market.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub market: Option<String>,
    /// `upgrade`, `command` (one from the client) or `frame` (any text frame to the client).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub socket: Option<String>,

    pub fault: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ms: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u32>,
    /// Numbers that a `gap` skips.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<u32>,
    /// Whether a dropped frame takes its `seq` with it; it does unless told otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub consume_seq: Option<bool>,

    #[serde(skip_serializing_if = "Option::is_none")]
    pub nth: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub every: Option<u64>,
    /// Percent of the matches that are hit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub percent: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// Hits at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
    /// The rule sleeps this long after it was set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after_ms: Option<i64>,
    /// The rule works this long.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub for_ms: Option<i64>,
}

/// Why a rule, or a file of rules, is refused.
#[derive(Debug, thiserror::Error)]
pub enum FaultError {
    #[error("cannot read faults {path}")]
    Unreadable { path: String, source: std::io::Error },
    #[error("faults {path}: {reason}")]
    Malformed { path: String, reason: String },
    #[error("fault {number}: {reason}")]
    Rule { number: usize, reason: String },
}

/// A file holds nothing but rules.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    faults: Vec<FaultSpec>,
}

impl FaultSpec {
    /// Reads a file of `[[faults]]` tables and checks every rule.
    pub fn from_file(path: &Path) -> Result<Vec<FaultSpec>, FaultError> {
        let shown = path.display().to_string();
        let text = std::fs::read_to_string(path)
            .map_err(|source| FaultError::Unreadable { path: shown.clone(), source })?;
        let malformed = |reason| FaultError::Malformed { path: shown.clone(), reason };
        let file: File = toml::from_str(&text).map_err(|error| malformed(error.to_string()))?;
        super::check(&file.faults).map_err(|error| malformed(error.to_string()))?;
        Ok(file.faults)
    }
}

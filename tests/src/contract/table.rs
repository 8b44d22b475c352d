//! The checked-in table of the exchange's operations: served, or why not.

use std::collections::BTreeMap;

use anyhow::Context as _;
use serde::Deserialize;

/// By operation id.
pub type Operations = BTreeMap<String, Row>;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// Method and path.
    pub call: String,
    /// Why it is not served.
    pub absent: Option<String>,
    /// Why it can never succeed.
    pub refuses: Option<String>,
}

/// Reads `tests/conformance/operations.toml`.
pub(super) fn read() -> anyhow::Result<Operations> {
    let path = crate::workspace::root().join("tests/conformance/operations.toml");
    let text = std::fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
    toml::from_str(&text).with_context(|| format!("parse {}", path.display()))
}

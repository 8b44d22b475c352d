//! The checked-in table of the exchange's operations: served, or why not.

use std::collections::BTreeMap;

use anyhow::Context as _;
use serde::Deserialize;

/// By operation id.
pub(super) type Operations = BTreeMap<String, Row>;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Row {
    /// Method and path.
    pub(super) call: String,
    /// Why it is not served.
    pub(super) absent: Option<String>,
    /// Why it can never succeed.
    pub(super) refuses: Option<String>,
}

/// Reads `tests/conformance/operations.toml`.
pub(super) fn read() -> anyhow::Result<Operations> {
    let path = crate::workspace::root().join("tests/conformance/operations.toml");
    let text = std::fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
    toml::from_str(&text).with_context(|| format!("parse {}", path.display()))
}

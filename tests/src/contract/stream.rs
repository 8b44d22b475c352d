//! Judges WebSocket frames by the AsyncAPI document.

use std::collections::BTreeMap;

use jsonschema::Validator;
use serde_json::{Value, json};

use super::schema;

/// Messages of the index feeds, which a simulated exchange of event contracts has no prices for.
const INDEX_FEEDS: [&str; 4] = ["cfbenchmarks", "pyth", "subscribedIndices", "subscribedUnderlyings"];

#[derive(Debug)]
pub struct Stream {
    /// Judges by message type; several messages may share one (`ok`).
    messages: BTreeMap<String, Vec<(String, Validator)>>,
}

impl Stream {
    pub(super) fn new(document: &Value) -> anyhow::Result<Stream> {
        let components = schema::strict_components(document);
        let mut messages: BTreeMap<String, Vec<(String, Validator)>> = BTreeMap::new();
        for (name, message) in document["components"]["messages"].as_object().into_iter().flatten() {
            let Some(reference) = message["payload"]["$ref"].as_str() else { continue };
            let schema = reference.rsplit('/').next().unwrap_or_default();
            let kind = &document["components"]["schemas"][schema]["properties"]["type"]["const"];
            if let Some(kind) = kind.as_str() {
                let validator = schema::validator(&json!({ "$ref": reference }), &components)?;
                let candidates = messages.entry(kind.to_owned()).or_default();
                // Messages of one event come before the one that stands for all events of their type.
                let event = &document["components"]["schemas"][schema]["properties"]["msg"]["properties"]["event_type"];
                let at = if event.get("const").is_some() { 0 } else { candidates.len() };
                candidates.insert(at, (name.clone(), validator));
            }
        }
        Ok(Stream { messages })
    }

    /// Names of the messages that the simulated exchange is to send.
    pub fn names(&self) -> Vec<&str> {
        let named = self.messages.values().flatten().map(|(name, _)| name.as_str());
        let is_served = |name: &&str| !INDEX_FEEDS.iter().any(|feed| name.starts_with(feed));
        let mut names: Vec<&str> = named.filter(is_served).collect();
        names.sort_unstable();
        names
    }

    /// How many messages of the exchange the document has.
    pub fn total(&self) -> usize {
        self.messages.values().map(Vec::len).sum()
    }

    /// Judges a frame; returns the message it is, and what is wrong with it.
    pub fn judge(&self, frame: &Value) -> (Option<&str>, Vec<String>) {
        let kind = frame["type"].as_str().unwrap_or_default();
        let Some(candidates) = self.messages.get(kind) else {
            return (None, vec![format!("no message has the type {kind:?}")]);
        };
        let mut first = None;
        for (name, validator) in candidates {
            let faults = schema::faults(validator, frame);
            if faults.is_empty() {
                return (Some(name), Vec::new());
            }
            first.get_or_insert((Some(name.as_str()), faults));
        }
        first.unwrap_or_default()
    }
}

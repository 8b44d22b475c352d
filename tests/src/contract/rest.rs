//! Judges REST replies by the OpenAPI document.

use std::collections::BTreeMap;

use jsonschema::Validator;
use serde_json::Value;

use super::{refusals, schema};

const BASE: &str = "/trade-api/v2";
const METHODS: [&str; 5] = ["get", "post", "put", "delete", "patch"];

/// One operation of the document.
#[derive(Debug)]
pub struct Operation {
    pub id: String,
    pub method: String,
    /// Below the base, with `{names}`.
    pub path: String,
    /// Judges of replies by status; none where a reply has no body.
    replies: BTreeMap<u16, Option<Validator>>,
}

/// What a reply is by the document.
#[derive(Debug)]
pub enum Verdict<'a> {
    /// Of no operation: an unknown path, a redirect, a route of the first version.
    Elsewhere,
    Judged {
        operation: &'a Operation,
        faults: Vec<String>,
    },
}

#[derive(Debug)]
pub struct Rest {
    pub operations: Vec<Operation>,
}

impl Rest {
    pub(super) fn new(document: &Value) -> anyhow::Result<Rest> {
        let components = schema::strict_components(document);
        let mut operations = Vec::new();
        for (path, methods) in document["paths"].as_object().into_iter().flatten() {
            for method in METHODS {
                let Some(id) = methods[method]["operationId"].as_str() else { continue };
                operations.push(Operation {
                    id: id.to_owned(),
                    method: method.to_uppercase(),
                    path: path.clone(),
                    replies: judges(&methods[method]["responses"], &components)?,
                });
            }
        }
        // Fixed words before names: `/markets/trades` is not a market.
        operations.sort_by_key(|operation| operation.path.matches('{').count());
        Ok(Rest { operations })
    }

    /// Judges a reply; `path` is absolute and may have a query.
    pub fn judge(&self, method: &str, path: &str, status: u16, body: &Value) -> Verdict<'_> {
        let path = path.split('?').next().unwrap_or(path);
        let Some(path) = path.strip_prefix(BASE) else { return Verdict::Elsewhere };
        let found = self
            .operations
            .iter()
            .find(|operation| operation.method == method && matches(&operation.path, path));
        let Some(operation) = found else { return Verdict::Elsewhere };
        let faults = match (status, operation.replies.get(&status)) {
            (200..=299, Some(Some(validator))) => schema::faults(validator, body),
            // An empty object where the document promises nothing harms nobody.
            (200..=299, Some(None)) if body.is_null() || *body == serde_json::json!({}) => Vec::new(),
            (200..=299, Some(None)) => vec!["a body where the document has none".to_owned()],
            (200..=299, None) => vec![format!("status {status} is not in the document")],
            // The exchange answers more statuses than it documents; their bodies have known shapes.
            (400..=599, _) if operation.id == "GetExchangeStatus" => Vec::new(),
            (400..=599, _) => refusals::faults(body),
            _ => vec![format!("status {status} is no answer")],
        };
        Verdict::Judged { operation, faults }
    }
}

/// Builds the judges of an operation's replies.
fn judges(replies: &Value, components: &Value) -> anyhow::Result<BTreeMap<u16, Option<Validator>>> {
    let mut judges = BTreeMap::new();
    for (status, reply) in replies.as_object().into_iter().flatten() {
        let schema = reply["content"]["application/json"].get("schema");
        let validator = schema.map(|schema| schema::validator(schema, components)).transpose()?;
        judges.insert(status.parse()?, validator);
    }
    Ok(judges)
}

/// Tells whether a path is one of a template.
fn matches(template: &str, path: &str) -> bool {
    let (mut names, mut parts) = (template.split('/'), path.split('/'));
    loop {
        match (names.next(), parts.next()) {
            (None, None) => return true,
            (Some(name), Some(part)) if name == part || (name.starts_with('{') && !part.is_empty()) => {}
            _ => return false,
        }
    }
}

//! Holds replies to the exchange's own OpenAPI document.
//!
//! The document is not part of the project; where it is absent the check says so and passes.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use serde_json::{Value, json};

use super::Answer;

/// Returns the document, with its nullable schemas put in the words of JSON Schema.
pub(super) fn specification() -> Option<&'static Value> {
    static DOCUMENT: OnceLock<Option<Value>> = OnceLock::new();
    let read = || {
        let shared = std::env::var_os("OUTRIGGER_SHARED")
            .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared"), PathBuf::from);
        let file = shared.join("kalshi/openapi.yaml");
        let Ok(text) = std::fs::read_to_string(&file) else {
            println!("skipped: {} is absent", file.display());
            return None;
        };
        let mut document: Value = yaml_serde::from_str(&text).unwrap();
        allow_nulls(&mut document["components"]);
        Some(document)
    };
    DOCUMENT.get_or_init(read).as_ref()
}

fn allow_nulls(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            fields.values_mut().for_each(allow_nulls);
            if fields.remove("nullable") == Some(Value::Bool(true)) {
                *schema = json!({ "anyOf": [schema.take(), { "type": "null" }] });
            }
        }
        Value::Array(items) => items.iter_mut().for_each(allow_nulls),
        _ => {}
    }
}

/// Panics unless the reply has the shape that the operation declares for its status.
pub(super) fn conforms(method: &str, template: &str, answer: &Answer) {
    let Some(document) = specification() else { return };
    let operation = &document["paths"][template][method];
    assert!(operation.is_object(), "{method} {template} is no operation");
    let declared = &operation["responses"][answer.status.to_string()];
    assert!(declared.is_object(), "{method} {template} does not declare {}: {answer:?}", answer.status);
    let schema = &declared["content"]["application/json"]["schema"];
    if schema.is_null() {
        return;
    }
    let whole = json!({ "allOf": [schema], "components": document["components"] });
    let options = jsonschema::options().should_validate_formats(true);
    let validator = options.build(&whole).unwrap();
    let errors: Vec<String> = validator
        .iter_errors(&answer.body)
        .map(|error| format!("{error} at {}", error.instance_path()))
        .collect();
    assert!(errors.is_empty(), "{method} {template}: {errors:?} in {}", answer.body);
    only_known(document, schema, &answer.body, template);
}

/// Panics on members that the document does not know: a misspelling of ours.
fn only_known(document: &Value, schema: &Value, value: &Value, at: &str) {
    let schema = resolved(document, schema);
    match value {
        Value::Array(items) => {
            items.iter().for_each(|item| only_known(document, &schema["items"], item, at));
        }
        Value::Object(members) => {
            let Some(known) = schema["properties"].as_object() else { return };
            for (name, member) in members {
                assert!(known.contains_key(name), "{at}: unknown member {name}");
                only_known(document, &known[name], member, &format!("{at}.{name}"));
            }
        }
        _ => {}
    }
}

pub(super) fn resolved<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    if let Some(reference) = schema["$ref"].as_str() {
        return resolved(document, document.pointer(reference.trim_start_matches('#')).unwrap());
    }
    ["allOf", "anyOf"]
        .iter()
        .find_map(|key| schema[key].get(0))
        .map_or(schema, |inner| resolved(document, inner))
}

#[test]
fn a_reply_of_another_shape_is_noticed() {
    if specification().is_none() {
        return;
    }
    let answer = |body: Value| Answer { status: 200, body, headers: Default::default() };
    let noticed = |body: Value| {
        std::panic::catch_unwind(|| conforms("get", "/historical/cutoff", &answer(body))).is_err()
    };
    let at = "2026-09-21T14:13:20.123456Z";
    let fine = json!({ "market_settled_ts": at, "trades_created_ts": at, "orders_updated_ts": at });
    assert!(!noticed(fine.clone()));
    assert!(noticed(json!({ "market_settled_ts": at, "trades_created_ts": at })));
    assert!(noticed(super::with(fine.clone(), "orders_updated_ts", "yesterday")));
    assert!(noticed(super::with(fine, "misspelled", 1)));
}
